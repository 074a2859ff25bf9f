//! Why a version is not live: what was seen in a cluster, and what follows from it. Asks nobody.
