//! Which jobs a configuration makes, in which stages, and what is left out.

mod any;
mod cells;
mod conditions;
mod filters;
mod limits;
mod rows;
mod stages;
mod tell;
