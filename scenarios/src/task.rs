//! Scenarios of objectives that are no sum of terms.

use cotangent_answer::{Prepared, Task};
use cotangent_problem::{Capabilities, Space};

use crate::Scenario;

/// A domain's task as a scenario.
pub(crate) struct OfTask(pub(crate) Box<dyn Task>);

impl Scenario for OfTask {
    fn space(&self) -> Space {
        self.0.space()
    }

    fn start(&self, seed: u64) -> Vec<f64> {
        self.0.start(seed)
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn cost(&self) -> String {
        self.0.cost()
    }

    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String> {
        self.0.prepare()
    }
}
