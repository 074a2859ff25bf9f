# What people and CI run; CI calls these targets verbatim.
.PHONY: setup build test lint ring

setup: ; scripts/setup.sh
build: ; cargo build --workspace --all-targets --locked
test: ; scripts/test.sh

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

# One crypto backend: aws-lc-rs. `cargo tree -i` fails where the package is not in the tree.
ring:
	! cargo tree --locked --workspace -i ring 2>/dev/null | grep .
