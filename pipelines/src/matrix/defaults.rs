//! What holds where nothing is written. It is filled in last, so that it does not count as
//! written.

use std::rc::Rc;

use crate::language::{Dialect, FileIndex, Node, Span, Value};

use super::Job;
use super::work::Work;

/// Travis' distribution.
pub(super) const DIST: &str = "focal";

/// Gives the jobs a language, a system and, in Travis' dialect, a distribution.
pub(super) fn fill(work: &Work<'_>, jobs: &mut [Job]) {
    if !work.options.defaults {
        return;
    }
    let dialect = work.options.dialect;
    let [language, linux, osx, objective_c, dist] =
        [dialect.default_language(), "linux", "osx", "objective-c", DIST].map(text);
    let set = |job: &mut Job, key: &str, node: &Rc<Node>| {
        job.config.entry(key.to_owned()).or_insert_with(|| Rc::clone(node));
    };
    for job in jobs {
        let is = |key: &str, word: &str| {
            job.config.get(key).is_some_and(|node| node.text() == Some(word))
        };
        let on_osx = dialect == Dialect::Travis && is("os", "osx");
        let in_objective_c = dialect == Dialect::Travis && is("language", "objective-c");
        set(job, "language", if on_osx { &objective_c } else { &language });
        set(job, "os", if in_objective_c { &osx } else { &linux });
        if dialect == Dialect::Travis && job.config["os"].text() == Some("linux") {
            set(job, "dist", &dist);
        }
    }
}

fn text(word: &str) -> Rc<Node> {
    let span = Span { start: 0, end: 0, line: 1, column: 1, file: FileIndex::MAIN };
    Rc::new(Node { value: Value::Scalar { text: word.to_owned(), plain: false }, span })
}
