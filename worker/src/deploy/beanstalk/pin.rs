//! Images that the bundle names, by the digest that this job pushed: a tag may mean something else
//! by the time an instance pulls it.

use granit_parser::{Event, Parser, ScalarStyle};

use super::index::Tree;

/// The files at the top of the work tree that name images.
const FILES: [&str; 3] = ["Dockerrun.aws.json", "docker-compose.yml", "docker-compose.yaml"];
/// Largest of them that is read.
const LARGEST: u64 = 1024 * 1024;

/// An image that a deploy of this job pushed.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// `acme/app`, as it was pushed.
    pub(super) repository: String,
    /// `acme/app@sha256:…`
    pub(super) pushed: String,
}

/// What became of one file.
pub(super) struct Pinned {
    pub(super) file: &'static str,
    /// Its new text; none where nothing changes.
    pub(super) text: Option<String>,
    /// For the log.
    pub(super) notes: Vec<String>,
}

/// A scalar that names an image, and its place in the text, quotes and all.
struct Named {
    reference: String,
    start: usize,
    end: usize,
    /// The quote around it.
    quote: &'static str,
}

impl Image {
    /// From what a push reported.
    pub(super) fn new(pushed: &str) -> Option<Self> {
        let (repository, _) = pushed.split_once('@')?;
        Some(Self { repository: repository.to_owned(), pushed: pushed.to_owned() })
    }
}

/// Every file that names images.
pub(super) fn pin_all(tree: &Tree, images: &[Image]) -> Vec<Pinned> {
    let read = |file| {
        let text = String::from_utf8(tree.read(file, LARGEST)?).ok()?;
        Some(pin(file, &text, images))
    };
    FILES.into_iter().filter_map(read).collect()
}

fn pin(file: &'static str, text: &str, images: &[Image]) -> Pinned {
    let unchanged = |note| Pinned { file, text: None, notes: vec![format!("{file}: {note}")] };
    let Some(named) = references(file, text) else {
        return unchanged("is not understood, so its images are not pinned".to_owned());
    };
    let mut changed = text.to_owned();
    let mut expected = Vec::new();
    let mut notes = Vec::new();
    // From the end, so that the places before stay what they are.
    for Named { reference, start, end, quote } in named.iter().rev() {
        let Some(pushed) = digest(reference, images) else {
            if !reference.contains('@') {
                notes.push(format!("{file}: {reference} is not pinned (this job did not push it)"));
            }
            expected.push(reference.clone());
            continue;
        };
        changed.replace_range(start..end, &format!("{quote}{pushed}{quote}"));
        notes.push(format!("{file}: {reference} → {pushed}"));
        expected.push(pushed.to_owned());
    }
    notes.reverse();
    expected.reverse();
    let now = references(file, &changed).unwrap_or_default();
    if now.iter().map(|one| &one.reference).ne(expected.iter()) {
        return unchanged("can not be changed safely, so its images are not pinned".to_owned());
    }
    Pinned { file, text: (changed != text).then_some(changed), notes }
}

/// What the job pushed to the reference's repository; none where that is not one thing.
fn digest<'i>(reference: &str, images: &'i [Image]) -> Option<&'i str> {
    if reference.contains('@') {
        return None;
    }
    let repository = repository(reference);
    let mut of = images.iter().filter(|image| usual(&image.repository) == repository);
    let first = of.next()?;
    of.all(|other| other.pushed == first.pushed).then_some(first.pushed.as_str())
}

/// Without the tag. A colon before the last slash is a port's.
fn repository(reference: &str) -> &str {
    let name = reference.rfind('/').map_or(0, |slash| slash + 1);
    let end = reference[name..].find(':').map_or(reference.len(), |colon| name + colon);
    usual(&reference[..end])
}

/// Docker Hub's images have many names.
fn usual(repository: &str) -> &str {
    let hub = ["docker.io/", "index.docker.io/"];
    let short = hub.iter().find_map(|host| repository.strip_prefix(host)).unwrap_or(repository);
    short.strip_prefix("library/").unwrap_or(short)
}

/// The images that the file names, in its order; none where it can not be read.
fn references(file: &str, text: &str) -> Option<Vec<Named>> {
    let mut path: Vec<Step> = Vec::new();
    let mut found = Vec::new();
    for next in Parser::new_from_str(text) {
        let (event, span) = next.ok()?;
        match event {
            Event::Scalar(scalar, style, ..) => {
                if let Some(Step::Map { key: key @ None }) = path.last_mut() {
                    *key = Some(scalar.to_string());
                    continue;
                }
                if is_image(file, &path) {
                    let quote = match style {
                        ScalarStyle::Plain => "",
                        ScalarStyle::SingleQuoted => "'",
                        ScalarStyle::DoubleQuoted => "\"",
                        _ => return None,
                    };
                    let (start, end) = (span.start.byte_offset()?, span.end.byte_offset()?);
                    // What a parser counts to a plain scalar may end later than its text.
                    let end = start + text.get(start..end)?.trim_end().len();
                    found.push(Named { reference: scalar.trim().to_owned(), start, end, quote });
                }
                value_ends(&mut path);
            }
            Event::MappingStart(..) => path.push(Step::Map { key: None }),
            Event::SequenceStart(..) => path.push(Step::List),
            Event::MappingEnd | Event::SequenceEnd => {
                path.pop();
                value_ends(&mut path);
            }
            Event::Alias(_) => value_ends(&mut path),
            _ => {}
        }
    }
    Some(found)
}

enum Step {
    Map { key: Option<String> },
    List,
}

fn value_ends(path: &mut [Step]) {
    if let Some(Step::Map { key }) = path.last_mut() {
        *key = None;
    }
}

/// Is this the place of an image in this file?
fn is_image(file: &str, path: &[Step]) -> bool {
    let key = |step: &Step| match step {
        Step::Map { key } => key.clone().unwrap_or_default(),
        Step::List => "[]".to_owned(),
    };
    let place = path.iter().map(key).collect::<Vec<_>>();
    match place.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["Image", "Name"] | ["containerDefinitions", "[]", "image"] => file.ends_with(".json"),
        ["services", _, "image"] => !file.ends_with(".json"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUSHED: &str = "acme/app@sha256:11";

    fn images() -> Vec<Image> {
        [PUSHED, "r.example:5000/a/b@sha256:22"].iter().filter_map(|one| Image::new(one)).collect()
    }

    #[test]
    fn only_the_references_change_and_each_change_is_told() {
        let compose = "# ours\nservices:\n  web:\n    image: acme/app:latest # the app\n    ports: [\"80:80\"]\n  \
            side:\n    image: 'r.example:5000/a/b'\n  db: {image: \"postgres:16\", x: 1}\n  \
            old: {image: acme/app@sha256:00}\n  var: {image: \"${X}\"}\n";
        let pinned = pin("docker-compose.yml", compose, &images());
        let expected = compose
            .replace("acme/app:latest", PUSHED)
            .replace("'r.example:5000/a/b'", "'r.example:5000/a/b@sha256:22'");
        assert_eq!(pinned.text.as_deref(), Some(expected.as_str()));
        assert_eq!(
            pinned.notes,
            [
                "docker-compose.yml: acme/app:latest → acme/app@sha256:11",
                "docker-compose.yml: r.example:5000/a/b → r.example:5000/a/b@sha256:22",
                "docker-compose.yml: postgres:16 is not pinned (this job did not push it)",
                "docker-compose.yml: ${X} is not pinned (this job did not push it)",
            ]
        );
    }

    #[test]
    fn both_kinds_of_dockerrun_are_read() {
        let one = "{\n\t\"AWSEBDockerrunVersion\": \"1\",\n\t\"Image\": {\"Name\": \"docker.io/acme/app:1\", \"Update\": \"true\"}\n}\n";
        let pinned = pin("Dockerrun.aws.json", one, &images());
        assert_eq!(
            pinned.text,
            Some(one.replace("docker.io/acme/app:1", PUSHED)),
            "{:?}",
            pinned.notes
        );
        let two = "{\"containerDefinitions\": [{\"name\": \"a\", \"image\": \"acme/app\"}, {\"image\": \"x\"}]}";
        let pinned = pin("Dockerrun.aws.json", two, &images());
        assert_eq!(pinned.text, Some(two.replace("acme/app", PUSHED)), "{:?}", pinned.notes);
    }

    #[test]
    fn what_is_not_understood_stays_and_is_told() {
        let pinned = pin("docker-compose.yml", "services: [", &images());
        assert_eq!(pinned.text, None);
        assert!(pinned.notes[0].contains("is not understood"), "{:?}", pinned.notes);
        let one = Image::new("acme/app@sha256:11").expect("an image");
        let two = Image::new("acme/app@sha256:33").expect("an image");
        let pinned = pin("docker-compose.yml", "services: {a: {image: acme/app}}", &[one, two]);
        assert_eq!(pinned.text, None, "two images were pushed there");
    }
}
