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

/// As on Travis, its databases take the local job without a password. A ready check is made of
/// what the service's own image has; where that is not there, its port decides alone.
static SERVICES: &[KnownService] = &[
    service("redis", &["redis-server"], ("redis", "7"), 6379, Some(REDIS)),
    KnownService {
        env: &[("POSTGRES_HOST_AUTH_METHOD", "trust")],
        ..service("postgresql", &["postgres"], ("postgres", "16"), 5432, Some(POSTGRES))
    },
    KnownService {
        env: &[("MYSQL_ALLOW_EMPTY_PASSWORD", "yes"), ("MYSQL_ROOT_HOST", "%")],
        ..service("mysql", &[], ("mysql", "8"), 3306, Some(MYSQL))
    },
    KnownService {
        env: &[("MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "yes")],
        ..service("mariadb", &[], ("mariadb", "11"), 3306, Some(MARIADB))
    },
    service("mongodb", &["mongo"], ("mongo", "7"), 27017, Some(MONGODB)),
    service("memcached", &["memcache"], ("memcached", "1"), 11211, None),
    service("rabbitmq", &["rabbitmq-server"], ("rabbitmq", "3"), 5672, Some(RABBITMQ)),
    KnownService {
        env: &[("discovery.type", "single-node"), ("xpack.security.enabled", "false")],
        ..service("elasticsearch", &[], ("elasticsearch", "8.15.0"), 9200, Some(ELASTICSEARCH))
    },
    KnownService {
        env: &[("discovery.type", "single-node"), ("DISABLE_SECURITY_PLUGIN", "true")],
        ..service(
            "opensearch",
            &[],
            ("opensearchproject/opensearch", "2"),
            9200,
            Some(ELASTICSEARCH),
        )
    },
    KnownService {
        env: &[("NEO4J_AUTH", "none")],
        ..service("neo4j", &[], ("neo4j", "5"), 7687, Some(NEO4J))
    },
    service("cassandra", &[], ("cassandra", "4"), 9042, Some(CASSANDRA)),
    KnownService {
        env: &[("COUCHDB_USER", "admin"), ("COUCHDB_PASSWORD", "admin")],
        ..service("couchdb", &[], ("couchdb", "3"), 5984, Some(COUCHDB))
    },
    service("riak", &[], ("basho/riak-kv", "ubuntu-2.2.3"), 8087, Some(RIAK)),
];

const REDIS: &str = "! command -v redis-cli >/dev/null || redis-cli ping | grep -q PONG";
/// Over TCP: the server that runs the image's set-up listens on a socket only.
const POSTGRES: &str =
    "! command -v pg_isready >/dev/null || pg_isready -q -h 127.0.0.1 -U postgres";
/// The same; images of MariaDB have been used under this name too.
const MYSQL: &str = "if command -v mysqladmin >/dev/null; \
    then mysqladmin ping -h 127.0.0.1 --silent; \
    else ! command -v mariadb-admin >/dev/null || mariadb-admin ping -h 127.0.0.1 --silent; fi";
const MARIADB: &str = "if command -v mariadb-admin >/dev/null; \
    then mariadb-admin ping -h 127.0.0.1 --silent; \
    else ! command -v mysqladmin >/dev/null || mysqladmin ping -h 127.0.0.1 --silent; fi";
/// Its shell was another one up to version 5.
const MONGODB: &str = "ask='quit(db.runCommand({ping: 1}).ok ? 0 : 1)'; \
    if command -v mongosh >/dev/null; then mongosh --quiet --eval \"$ask\"; \
    else ! command -v mongo >/dev/null || mongo --quiet --eval \"$ask\"; fi";
const RABBITMQ: &str = "! command -v rabbitmq-diagnostics >/dev/null || \
    rabbitmq-diagnostics -q check_port_connectivity";
const ELASTICSEARCH: &str = "! command -v curl >/dev/null || curl -sf -o /dev/null \
    'http://127.0.0.1:9200/_cluster/health?wait_for_status=yellow&timeout=5s'";
const NEO4J: &str = "! command -v wget >/dev/null || wget -q -O /dev/null http://127.0.0.1:7474";
const CASSANDRA: &str =
    "! command -v cqlsh >/dev/null || cqlsh 127.0.0.1 -e 'SELECT key FROM system.local'";
const COUCHDB: &str =
    "! command -v curl >/dev/null || curl -sf -o /dev/null http://127.0.0.1:5984/_up";
const RIAK: &str = "! command -v riak >/dev/null || riak ping | grep -q pong";

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
