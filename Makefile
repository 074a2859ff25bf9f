# What people and CI run; CI calls these targets verbatim.
.PHONY: setup build demo demo-stop test test-cluster parity lint ring deny sqlx sqlx-check

setup: ; scripts/setup.sh
build: ; cargo build --workspace --all-targets --locked
test: ; scripts/test.sh
test-cluster: ; scripts/test_cluster.sh
demo: ; scripts/demo.sh start
demo-stop: ; scripts/demo.sh stop

# How many of Travis' own answers `slipway plan --batch` gives; VERBOSE=1 shows what differs.
CORPUS ?= ../shared/corpus
# With the features of the whole workspace: nothing is built twice.
parity: build
	target/debug/slipway-parity $(CORPUS) $(if $(VERBOSE),--verbose)

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

# One crypto backend: aws-lc-rs. The whole tree is listed first, so that a cargo that fails is
# not taken for a tree without ring.
ring:
	tree=$$(cargo tree --locked --workspace --prefix none) && ! printf '%s\n' "$$tree" | grep '^ring v'

# What Postgres says of each query, kept so that a build needs no database.
sqlx: ; scripts/sqlx.sh write
sqlx-check: ; scripts/sqlx.sh check

# Licenses, sources and banned crates. (The advisories need a database from outside.)
deny:
	@cargo deny --version >/dev/null 2>&1 || { echo "deny: will install with cargo: cargo-deny"; cargo install cargo-deny --locked --quiet; }
	cargo deny --locked check bans licenses sources
