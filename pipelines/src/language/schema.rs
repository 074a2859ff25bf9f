//! The keys of the language, in one table: from it come the checks and the hints, and adding a
//! key is adding one entry. Keys and shorthand are Travis' (<https://docs.travis-ci.com/>), but
//! for those marked as our own.

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// Which shapes its value may have.
    pub shape: Shape,
    /// May it stand in a row of `jobs.include`, too?
    pub in_job: bool,
    /// One sentence for people.
    pub meaning: &'static str,
}

/// Which shapes a value may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One text.
    Text,
    /// One text, or a list of texts.
    Texts,
    /// A map.
    Map,
    /// A list, or one element of it.
    List,
    /// Several shapes, told apart by the key's own reader.
    Any,
}

impl Shape {
    /// In words, for sentences.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Texts => "a text or a list of texts",
            Self::Map => "a map",
            Self::List => "a list",
            Self::Any => "any value",
        }
    }
}

const fn job(name: &'static str, shape: Shape, meaning: &'static str) -> Key {
    Key { name, shape, in_job: true, meaning }
}

const fn root(name: &'static str, shape: Shape, meaning: &'static str) -> Key {
    Key { name, shape, in_job: false, meaning }
}

/// Every key that may stand at the top of the file, in the order of the documentation.
pub const ROOT_KEYS: &[Key] = &[
    job("image", Shape::Any, "the image the job runs in: a name, or {build: DIR} (our own)"),
    job("language", Shape::Texts, "chooses image, default install and default script"),
    job("os", Shape::Texts, "the operating system; a matrix key"),
    job("arch", Shape::Texts, "the processor architecture; a matrix key"),
    job("dist", Shape::Texts, "the distribution; advisory"),
    job("services", Shape::List, "started beside the job, on its localhost"),
    job("env", Shape::Any, "environment variables; a list makes a matrix"),
    root("jobs", Shape::Any, "include, exclude, allow_failures, fast_finish"),
    root("matrix", Shape::Any, "the old name of `jobs`"),
    root("stages", Shape::Any, "the order of stages"),
    root("branches", Shape::Any, "only and except: which branches are built"),
    root("import", Shape::Any, "files that are merged into this one"),
    root("conditions", Shape::Text, "the version of the condition language"),
    root("notifications", Shape::Any, "who is told of a run's end"),
    root("version", Shape::Text, "accepted, without effect"),
    root("trace", Shape::Any, "accepted, without effect"),
    job("if", Shape::Text, "the run (or job) exists only when this condition holds"),
    job("addons", Shape::Any, "apt packages and other additions to the job"),
    job("cache", Shape::Any, "folders carried from run to run"),
    job("workspaces", Shape::Map, "folders carried from job to job of a run"),
    job("git", Shape::Map, "depth, submodules and other options of the clone"),
    job("before_install", Shape::Texts, "commands before `install`"),
    job("install", Shape::Texts, "commands that install what the job needs"),
    job("before_script", Shape::Texts, "commands before `script`"),
    job("script", Shape::Texts, "commands whose failure fails the job"),
    job("before_cache", Shape::Texts, "commands before the cache is stored"),
    job("after_success", Shape::Texts, "commands after a script that passed"),
    job("after_failure", Shape::Texts, "commands after a script that failed"),
    job("before_deploy", Shape::Texts, "commands before each deploy"),
    job("deploy", Shape::Any, "where the result goes"),
    job("after_deploy", Shape::Texts, "commands after each deploy"),
    job("after_script", Shape::Texts, "commands at the end"),
    job("images", Shape::List, "images built once the script passed (our own)"),
    job("secrets", Shape::Texts, "the names of the secrets the job may see (our own)"),
    job("timeout", Shape::Text, "longest time of the job: 90s, 10m, 1h30m (our own)"),
    job("timeout_silence", Shape::Text, "longest time without output (our own)"),
    job("resources", Shape::Map, "cpu, memory, disk, pids (our own)"),
    job("retry", Shape::Map, "when a job is tried again (our own)"),
    job("snapshot", Shape::Any, "the container kept after a phase (our own)"),
    job("artifacts", Shape::Any, "files kept from the job (our own)"),
    job("reports", Shape::Map, "test reports to read (our own)"),
    job("commit", Shape::Text, "turns the finished container into an image (our own)"),
    job("volumes", Shape::List, "host folders the operator allows (our own)"),
    job("ports", Shape::List, "published for the life of the job (our own)"),
    job("needs", Shape::Texts, "jobs that must pass first (our own)"),
    job("parallel", Shape::Text, "so many copies of the job (our own)"),
    job("environment", Shape::Text, "the deploy environment (our own)"),
    root("concurrency", Shape::Any, "one run at a time in a group (our own)"),
    job("sudo", Shape::Any, "accepted, without effect"),
    job("filter_secrets", Shape::Any, "masking of secrets in the log"),
    job("keep_netrc", Shape::Any, "accepted, without effect"),
    job("vault", Shape::Any, "secrets of a HashiCorp Vault"),
    job("vm", Shape::Any, "the size of the machine; use `resources`"),
    job("stack", Shape::Text, "accepted, without effect"),
    job("group", Shape::Text, "accepted, without effect"),
    job("compiler", Shape::Texts, "a matrix key"),
    job("osx_image", Shape::Texts, "a matrix key of os: osx"),
    job("jdk", Shape::Texts, "versions of the Java kit; a matrix key"),
    job("crystal", Shape::Texts, "versions; a matrix key"),
    job("dotnet", Shape::Texts, "versions; a matrix key"),
    job("mono", Shape::Texts, "versions; a matrix key"),
    job("solution", Shape::Texts, "a matrix key of csharp"),
    job("d", Shape::Texts, "versions; a matrix key"),
    job("dart", Shape::Texts, "versions; a matrix key"),
    job("dart_task", Shape::Any, "a matrix key of dart"),
    job("elixir", Shape::Texts, "versions; a matrix key"),
    job("otp_release", Shape::Texts, "versions of Erlang; a matrix key"),
    job("elm", Shape::Texts, "versions; a matrix key"),
    job("node_js", Shape::Texts, "versions; a matrix key"),
    job("go", Shape::Texts, "versions; a matrix key"),
    job("hhvm", Shape::Texts, "versions; a matrix key"),
    job("php", Shape::Texts, "versions; a matrix key"),
    job("ghc", Shape::Texts, "versions; a matrix key"),
    job("haxe", Shape::Texts, "versions; a matrix key"),
    job("julia", Shape::Texts, "versions; a matrix key"),
    job("matlab", Shape::Texts, "versions; a matrix key"),
    job("nix", Shape::Texts, "versions; a matrix key"),
    job("perl", Shape::Texts, "versions; a matrix key"),
    job("perl6", Shape::Texts, "versions; a matrix key"),
    job("python", Shape::Texts, "versions; a matrix key"),
    job("r", Shape::Texts, "versions; a matrix key"),
    job("rvm", Shape::Texts, "versions of Ruby; a matrix key"),
    job("ruby", Shape::Texts, "versions of Ruby; a matrix key"),
    job("gemfile", Shape::Texts, "a matrix key of ruby"),
    job("xcode_scheme", Shape::Texts, "a matrix key of objective-c"),
    job("xcode_sdk", Shape::Texts, "a matrix key of objective-c"),
    job("rust", Shape::Texts, "versions; a matrix key"),
    job("scala", Shape::Texts, "versions; a matrix key"),
    job("smalltalk", Shape::Texts, "versions; a matrix key"),
    job("smalltalk_config", Shape::Texts, "a matrix key of smalltalk"),
    job("smalltalk_vm", Shape::Texts, "a matrix key of smalltalk"),
];

/// The keys that only a row of `jobs.include` has.
pub(super) const ROW_KEYS: &[Key] = &[
    job("name", Shape::Text, "the job's name"),
    job("stage", Shape::Text, "the job's stage"),
    job("allow_failure", Shape::Text, "its failure does not fail the run"),
];
