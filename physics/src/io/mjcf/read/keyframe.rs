//! `keyframe`: states that the file names.

use super::Reader;
use crate::io::mjcf::error::MjcfError;
use crate::io::mjcf::tree::Element;
use crate::io::model_file::Keyframe;
use crate::model::Model;
use crate::state::State;

impl<'t> Reader<'t, '_> {
    pub(super) fn keyframes(&mut self, model: &Model) -> Vec<Keyframe> {
        let tree = self.tree;
        let sections = tree.children(tree.element(0)).filter(|s| s.tag == "keyframe");
        let mut keyframes = vec![];
        for element in sections.flat_map(|s| tree.children(s)) {
            let read = self.keyframe(element, model);
            keyframes.extend(self.keep(read));
        }
        keyframes
    }

    fn keyframe(&mut self, element: &'t Element, model: &Model) -> Result<Keyframe, MjcfError> {
        if element.tag != "key" {
            return Err(self.unsupported(element, "keyframe"));
        }
        let known = &["name", "time", "qpos", "qvel", "act", "ctrl", "mpos", "mquat"];
        let a = self.own(element, known);
        let numbers = |name: &str, n: usize| a.numbers(name, n, n);
        let q = numbers("qpos", model.nq())?;
        let q = q.unwrap_or_else(|| model.reference_configuration().to_vec());
        let v = numbers("qvel", model.nv())?.unwrap_or_else(|| vec![0.0; model.nv()]);
        let controls = numbers("ctrl", model.nu())?.unwrap_or_else(|| vec![0.0; model.nu()]);
        let (name, time) = (a.name().into(), a.number("time", 0.0)?);
        let act = numbers("act", model.na())?.unwrap_or_else(|| vec![0.0; model.na()]);
        let state = State::new(model, q, v).and_then(|s| s.with_activations(model, act));
        match state {
            Ok(state) => Ok(Keyframe { name, time, state, controls }),
            Err(why) => Err(a.value_error("qpos", &format!("a state ({why})"))),
        }
    }
}
