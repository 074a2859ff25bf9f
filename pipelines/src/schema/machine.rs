//! What a job runs on.

use super::key::key;
use super::shape::{Map, Shape, Word, Words, downcased, map, word, words};
use super::{Key, Place, languages};

const OVERVIEW: &str = "https://docs.travis-ci.com/user/reference/overview/";

pub(super) const KEYS: &[Key] = &[
    key("language", Shape::Word(&languages::WORDS), "chooses image, default install and script")
        .required()
        .doc("https://docs.travis-ci.com/user/languages/"),
    key("os", Shape::List(&Shape::Word(&SYSTEMS)), "the operating system")
        .matrix()
        .required()
        .default("linux")
        .doc(OVERVIEW),
    key("dist", Shape::Word(&DISTS), "the distribution; advisory").idle().doc(OVERVIEW),
    key("arch", Shape::List(&Shape::Word(&ARCHS)), "the processor architecture")
        .matrix()
        .systems(&["linux"])
        .doc("https://docs.travis-ci.com/user/multi-cpu-architectures/"),
    key("osx_image", super::shape::TEXTS, "the Xcode image of macOS")
        .matrix()
        .systems(&["osx"])
        .idle()
        .doc("https://docs.travis-ci.com/user/reference/osx/"),
    key("compiler", super::shape::TEXTS, "the C compiler")
        .matrix()
        .languages(&["c", "cpp"])
        .doc("https://docs.travis-ci.com/user/languages/c/"),
    key("stack", Shape::Word(&STACKS), "accepted, without effect").top().idle(),
    key("sudo", Shape::Bool, "accepted, without effect")
        .deprecated("it has no effect any more")
        .idle(),
    key("vm", Shape::Map(&VM), "the size of the machine; use `resources`").idle(),
    key("virt", Shape::Word(&VIRTS), "accepted, without effect").alias(&["virtualization"]).idle(),
    key("group", Shape::Text, "accepted, without effect").idle(),
    key("version", Shape::Text, "accepted, without effect").top().idle(),
    key("conditions", Shape::Word(&CONDITIONS), "the version of the condition language")
        .top()
        .idle(),
    key("filter_secrets", Shape::Bool, "masking of secrets in the log").top().not_yet(),
    key("trace", Shape::Bool, "accepted, without effect").top().idle(),
    key("keep_netrc", Shape::Bool, "accepted, without effect").at(Place::Top).idle(),
    key("perforce_test_path", Shape::Text, "the part of a Perforce depot that is built")
        .top()
        .idle(),
];

/// `on` of a deploy knows the operating system.
pub(super) const ON_KEYS: &[Key] =
    &[key("os", Shape::Word(&SYSTEMS), "the operating system").doc(OVERVIEW)];

const fn for_system(name: &'static str, systems: &'static [&'static str]) -> Word {
    Word { systems, ..word(name, &[]) }
}

const fn not_apple(name: &'static str, aliases: &'static [&'static str]) -> Word {
    Word { not_languages: &["objective-c"], ..word(name, aliases) }
}

const SYSTEMS: Words = downcased(&[
    not_apple("linux", &["ubuntu"]),
    word("osx", &["mac", "macos", "macosx", "ios"]),
    not_apple("windows", &["win"]),
    not_apple("freebsd", &["bsd"]),
    word("linux-ppc64le", &[]),
]);

const DISTS: Words = downcased(&[
    for_system("trusty", &["linux"]),
    for_system("precise", &["linux"]),
    for_system("xenial", &["linux", "linux-ppc64le"]),
    for_system("bionic", &["linux"]),
    for_system("focal", &["linux", "linux-ppc64le"]),
    for_system("jammy", &["linux"]),
    for_system("noble", &["linux"]),
    for_system("server-2016", &["windows"]),
    for_system("rhel8", &["linux"]),
]);

const ARCHS: Words = downcased(&[
    word("amd64", &["x86_64", "x64"]),
    word("arm64", &[]),
    word("arm64-graviton2", &[]),
    word("ppc64le", &["power", "ppc", "ppc64"]),
    word("i386", &["x86"]),
    word("s390x", &[]),
]);

const STACKS: Words = downcased(&[
    word("connie", &[]),
    word("amethyst", &[]),
    word("garnet", &[]),
    word("stevonnie", &[]),
    word("opal", &[]),
    word("sardonyx", &[]),
    word("onion", &[]),
    word("cookiecat", &[]),
]);

const VIRTS: Words = downcased(&[word("lxd", &[]), word("vm", &[])]);
const CONDITIONS: Words = words(&[word("v0", &[]), word("v1", &[])]);

const SIZES: Words = words(&[
    word("medium", &[]),
    word("large", &[]),
    word("x-large", &[]),
    word("2x-large", &[]),
    word("gpu-medium", &[]),
    word("gpu-xlarge", &[]),
]);

const VM: Map = map(&[&[
    key("size", Shape::Word(&SIZES), "small, large and so on"),
    key("create", Shape::Map(&VM_CREATE), "keeps the machine as an image"),
    key("use", Shape::Text, "starts from an image that was kept"),
]]);

const VM_CREATE: Map = map(&[&[key("name", Shape::Text, "the image's name").unique()]]);
