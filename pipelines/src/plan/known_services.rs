//! The services that can be had by name. A service more is an entry more.

use super::EnvVar;

/// One service that needs no more than its name.
#[derive(Debug)]
pub(super) struct KnownService {
    /// Travis' name; also the host name inside the job.
    pub(super) name: &'static str,
    /// Other names people write.
    aliases: &'static [&'static str],
    repository: &'static str,
    tag: &'static str,
    pub(super) port: u16,
    env: &'static [(&'static str, &'static str)],
    /// A shell command inside the service that exits 0 once it is ready.
    pub(super) ready: Option<&'static str>,
}

const fn service(
    name: &'static str,
    aliases: &'static [&'static str],
    (repository, tag): (&'static str, &'static str),
    port: u16,
    ready: Option<&'static str>,
) -> KnownService {
    KnownService { name, aliases, repository, tag, port, env: &[], ready }
}

/// As on Travis, its databases take the local job without a password.
static SERVICES: &[KnownService] = &[
    service(
        "redis",
        &["redis-server"],
        ("redis", "7"),
        6379,
        Some("redis-cli ping | grep -q PONG"),
    ),
    KnownService {
        env: &[("POSTGRES_HOST_AUTH_METHOD", "trust")],
        ..service(
            "postgresql",
            &["postgres"],
            ("postgres", "16"),
            5432,
            // Over TCP: the server that runs the image's set-up listens on a socket only.
            Some("pg_isready -q -h 127.0.0.1 -U postgres"),
        )
    },
    KnownService {
        env: &[("MYSQL_ALLOW_EMPTY_PASSWORD", "yes"), ("MYSQL_ROOT_HOST", "%")],
        ..service("mysql", &[], ("mysql", "8"), 3306, Some("mysqladmin ping -h 127.0.0.1 --silent"))
    },
    KnownService {
        env: &[("MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "yes")],
        ..service(
            "mariadb",
            &[],
            ("mariadb", "11"),
            3306,
            Some("mariadb-admin ping -h 127.0.0.1 --silent"),
        )
    },
    service("mongodb", &["mongo"], ("mongo", "7"), 27017, None),
    service("memcached", &["memcache"], ("memcached", "1"), 11211, None),
    service(
        "rabbitmq",
        &["rabbitmq-server"],
        ("rabbitmq", "3"),
        5672,
        Some("rabbitmq-diagnostics -q check_port_connectivity"),
    ),
    KnownService {
        env: &[("discovery.type", "single-node"), ("xpack.security.enabled", "false")],
        ..service("elasticsearch", &[], ("elasticsearch", "8.15.0"), 9200, None)
    },
    KnownService {
        env: &[("NEO4J_AUTH", "none")],
        ..service("neo4j", &[], ("neo4j", "5"), 7687, None)
    },
    service("cassandra", &[], ("cassandra", "4"), 9042, None),
    KnownService {
        env: &[("COUCHDB_USER", "admin"), ("COUCHDB_PASSWORD", "admin")],
        ..service("couchdb", &[], ("couchdb", "3"), 5984, None)
    },
];

/// The service of that name.
pub(super) fn find(name: &str) -> Option<&'static KnownService> {
    SERVICES.iter().find(|known| known.name == name || known.aliases.contains(&name))
}

/// All names, for hints.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().flat_map(|known| known.aliases.iter().copied().chain([known.name]))
}

impl KnownService {
    /// Its image, in this version or our default one.
    pub(super) fn image(&self, tag: Option<&str>) -> String {
        format!("{}:{}", self.repository, tag.unwrap_or(self.tag))
    }

    pub(super) fn env(&self) -> Vec<EnvVar> {
        let var = |(name, value): &(&str, &str)| EnvVar {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        };
        self.env.iter().map(var).collect()
    }
}
