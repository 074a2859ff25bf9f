//! A person's shell in a job's container: typed by them, shown to them, and stored nowhere.

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use slipway_pipelines::wire::{SecretText, ShellOrder, ShellTold};
use tokio_tungstenite::tungstenite::Message;

use super::keep_rooms::{From, Guest};
use super::shell_session_carry::converse;
use crate::client::{CallError, Client, Socket, close};
use crate::runner::{Engine, Worker};
use crate::sandbox::{Sandbox as _, SandboxError, Talk};

/// What the shell reads first, in the program's folder.
pub(super) const FILE: &str = "shell.sh";
/// Writes down which process it is, then becomes the best shell there is. Its arguments: the
/// shell's id, the work tree, and whether there is a terminal.
const OPEN: &str = "\
{ echo $$ >\"$0/shell-$1\"; } 2>/dev/null
cd \"$2\" 2>/dev/null || cd /
if command -v bash >/dev/null 2>&1; then
  [ \"$3\" = terminal ] && exec bash --rcfile \"$0/shell.sh\" -i
  BASH_ENV=\"$0/shell.sh\" exec bash -s
fi
[ \"$3\" = terminal ] && ENV=\"$0/shell.sh\" exec sh -i
exec sh -c '. \"$0\"; . /dev/stdin' \"$0/shell.sh\"";
/// Ends the shell of that id with everything that its session has left.
const END: &str = "\
read -r leader <\"$0/shell-$1\" && rm -f \"$0/shell-$1\" || exit 0
kill -HUP \"$leader\" 2>/dev/null
for stat in /proc/[0-9]*/stat; do
  { read -r line <\"$stat\"; } 2>/dev/null || continue
  pid=${line%% *}
  set -- ${line##*) }
  [ \"$4\" = \"$leader\" ] && kill -KILL \"$pid\" 2>/dev/null
done
:";

/// How it ended; none: whoever typed went away.
pub(super) type End = Option<ShellTold>;

/// It was cut off, for this reason.
pub(super) fn cut(sentence: impl Into<String>) -> End {
    Some(ShellTold::Cut { sentence: sentence.into() })
}

/// Serves one shell to its end.
pub(crate) async fn serve(
    worker: &Worker,
    (client, token): (&Client, &SecretText),
    order: ShellOrder,
) {
    let socket = match client.shell(token, order.shell).await {
        Ok(socket) => socket,
        // Whoever asked has gone again.
        Err(CallError::Refused { status: 404, .. } | CallError::Fenced { .. }) => return,
        Err(error) => {
            tracing::warn!(shell = %order.shell, %error, "a shell can not be served");
            return;
        }
    };
    tracing::info!(shell = %order.shell, attempt = %order.attempt, "a shell begins");
    let (mut sink, mut stream) = socket.split();
    let end = session(worker, &order, &mut sink, &mut stream).await;
    if let Some(told) = end {
        let _whoever_asked_may_be_gone = sink.send(text(&told)).await;
    }
    if let Ok(socket) = stream.reunite(sink) {
        close(socket).await;
    }
    tracing::info!(shell = %order.shell, "a shell ended");
}

/// Words as a message.
pub(super) fn text(told: &ShellTold) -> Message {
    Message::text(serde_json::to_string(told).expect("plain data is JSON"))
}

/// Towards the server.
pub(super) type Sink = SplitSink<Socket, Message>;
/// From the server.
pub(super) type Stream = SplitStream<Socket>;

async fn session(worker: &Worker, order: &ShellOrder, sink: &mut Sink, stream: &mut Stream) -> End {
    let name = format!("job {}.{} of {}", order.run, order.job, order.repo);
    let (Some(guest), Some(engine)) = (worker.rooms.enter(order.attempt), &worker.engine) else {
        return cut(format!(
            "There is no container of {name} to be in: it is not up yet, or gone. If the job runs, \
             try again in a moment."
        ));
    };
    let opening = open(engine, order, &guest);
    let talk = match opening.await {
        Ok(talk) => talk,
        Err(error) => return cut(error.sentence),
    };
    let id = talk.id.clone();
    let opened = ShellTold::Opened { sentence: welcome(&name, order, &guest) };
    if sink.send(text(&opened)).await.is_err() {
        end_processes(engine, order, &guest).await;
        return None;
    }
    let end = converse(engine, order, &guest, talk, (sink, stream)).await;
    let over = engine.sandbox.exit_code(&id).await;
    if !matches!(over, Ok(Some(_))) || !matches!(end, Some(ShellTold::Exited { .. })) {
        end_processes(engine, order, &guest).await;
    }
    end
}

async fn open(
    engine: &Engine,
    order: &ShellOrder,
    Guest(room): &Guest,
) -> Result<Talk, SandboxError> {
    let asked = &order.asked;
    let size = asked.size();
    let kind = if size.is_some() { "terminal" } else { "pipe" };
    let shell = order.shell.to_string();
    let command =
        ["sh", "-c", OPEN, &room.program_dir, &shell, &room.build_dir, kind].map(str::to_owned);
    let mut env = vec![format!("TERM={}", asked.terminal())];
    if room.until().is_some() {
        match room.from() {
            From::Nowhere => {}
            From::Step(place) => env.push(format!("SLIPWAY_FAILED={place}")),
            From::Deploy => env.push("SLIPWAY_FAILED=deploy".to_owned()),
        }
        if asked.go_on {
            env.push("SLIPWAY_CONTINUE=true".to_owned());
        }
    }
    engine.sandbox.talk(&room.container, command.into(), env, size).await
}

fn welcome(name: &str, order: &ShellOrder, Guest(room): &Guest) -> String {
    let last = order.limits.seconds.div_ceil(60);
    let Some(until) = room.until() else {
        return format!(
            "In the container of {name}, which runs: this shell ends with it, or after {last} \
             minutes."
        );
    };
    let failed = room.failed_command().and_then(|command| command.lines().next());
    let failed = failed.map(|line| format!(" `{line}` failed.")).unwrap_or_default();
    format!(
        "In the container of {name}, kept until {}.{failed} travis_run_script and its like run a \
         phase, slipway_continue goes on from the failed step. This shell ends after {last} \
         minutes at the latest.",
        until.format("%H:%M UTC")
    )
}

/// Ends what the shell left: the engine leaves commands running whose reader has gone.
async fn end_processes(engine: &Engine, order: &ShellOrder, Guest(room): &Guest) {
    let shell = order.shell.to_string();
    let (dir, quoted) = (&room.program_dir, crate::script::quoted);
    // As one command: `sh -c TEXT FOLDER ID` would need words of its own.
    let command = format!("sh -c {} {} {}", quoted(END), quoted(dir), quoted(&shell));
    if let Err(error) = engine.sandbox.run(&room.container, &command).await {
        tracing::debug!(%error, "a shell's processes go with their container");
    }
}
