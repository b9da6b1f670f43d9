//! Building tendons.

use super::constraint::check_line;
use super::error::named;
use super::{
    BuildError, ModelBuilder, TendonSpec, Waypoint, check, finite, not_negative, proper_range,
};
use crate::kinematics::place_links;
use crate::model::{JointKind, Line, Piece, PieceEnd, Shape, Tendon, TendonPart, Winding};
use crate::routes::lay;
use crate::scratch::Scratch;
use crate::wrap::Spool;

impl ModelBuilder {
    /// Adds a tendon. Returns its index.
    ///
    /// # Errors
    /// A name that exists, numbers that are not finite, no joint and no two sites, a joint of more than one coordinate, a divisor that is not
    /// positive, a geom that is not between two sites, or neither a sphere nor a cylinder.
    ///
    /// # Panics
    /// Where there is no such joint, site or geom.
    pub fn tendon(&mut self, spec: &TendonSpec) -> Result<usize, BuildError> {
        self.unique("tendons", &spec.name)?;
        let of = &named("tendon", &spec.name);
        not_negative("stiffness", of, &[spec.stiffness])?;
        not_negative("damping", of, &[spec.damping])?;
        not_negative("friction", of, &[spec.friction_loss])?;
        proper_range("range", of, spec.range)?;
        check_line(of, spec.stop, &spec.friction)?;
        if !spec.joints.is_empty() && !spec.route.is_empty() {
            return Err(BuildError::MixedTendon(spec.name.clone()));
        }
        let (parts, pieces) = (self.parts(spec)?, self.pieces(spec)?);
        if parts.is_empty() && pieces.is_empty() {
            return Err(BuildError::EmptyTendon(spec.name.clone()));
        }
        let dofs = self.moving(&parts, &pieces);
        let at = self.model.tendons.iter().map(|t| t.dofs.len()).sum();
        let (name, range) = (spec.name.clone(), spec.range);
        let (rest, reference) = ([0.0; 2], 0.0);
        self.model.tendons.push(Tendon { name, parts, pieces, rest, range, reference, dofs, at });
        let index = self.model.tendons.len() - 1;
        let [reference, at_rest] = self.lengths(index);
        let rest = spec.rest.unwrap_or([at_rest; 2]);
        finite("rest length", of, &rest)?;
        check("rest length", of, &[rest[1] - rest[0]], "in order", |x| x >= 0.0)?;
        let tendon = &mut self.model.tendons[index];
        (tendon.rest, tendon.reference) = (rest, reference);
        let line = Line::Tendon(index);
        self.constrain_line(line, (range, spec.stop), (spec.friction_loss, spec.friction));
        self.model.parameters.tendon_stiffness.push(spec.stiffness);
        self.model.parameters.tendon_damping.push(spec.damping);
        Ok(index)
    }

    /// The joints of a fixed tendon, each once.
    fn parts(&self, spec: &TendonSpec) -> Result<Vec<TendonPart>, BuildError> {
        let mut parts = vec![];
        for (joint, coefficient) in &spec.joints {
            finite("coefficient", &named("tendon", &spec.name), &[*coefficient])?;
            let joint = &self.model.joints[*joint];
            if joint.v.1 != 1 {
                let (what, joint, nv) = ("a part of a tendon", joint.name.clone(), joint.v.1);
                return Err(BuildError::NotScalar { what, joint, nv });
            }
            parts.push(TendonPart { dof: joint.v.0, q_at: joint.q.0, coefficient: *coefficient });
        }
        parts.sort_by_key(|part: &TendonPart| part.dof);
        parts.dedup_by(|next, part| {
            let same = next.dof == part.dof;
            part.coefficient += if same { next.coefficient } else { 0.0 };
            same
        });
        Ok(parts)
    }

    /// The pieces of a spatial tendon: between neighbouring sites of a branch.
    fn pieces(&self, spec: &TendonSpec) -> Result<Vec<Piece>, BuildError> {
        let (mut pieces, mut divisor, mut last, mut winding) = (vec![], 1.0, None, None);
        // sites of the branch so far
        let mut sites = 0;
        let lone = || Err(BuildError::EmptyTendon(spec.name.clone()));
        let loose = || Err(BuildError::LooseGeom(spec.name.clone()));
        for waypoint in &spec.route {
            match *waypoint {
                Waypoint::Pulley(_) | Waypoint::Geom { .. } if winding.is_some() => return loose(),
                Waypoint::Geom { .. } if last.is_none() => return loose(),
                Waypoint::Pulley(by) => {
                    let of = &named("tendon", &spec.name);
                    check("divisor of a pulley", of, &[by], "positive", |x| x > 0.0)?;
                    if sites == 1 {
                        return lone();
                    }
                    (divisor, last, sites) = (by, None, 0);
                }
                Waypoint::Geom { geom, side } => {
                    winding = Some(self.winding(&spec.name, geom, side)?);
                }
                Waypoint::Site(site) => {
                    let end = self.end(site);
                    let winding = winding.take();
                    pieces.extend(last.map(|last| Piece { ends: [last, end], winding, divisor }));
                    (last, sites) = (Some(end), sites + 1);
                }
            }
        }
        match () {
            () if winding.is_some() => loose(),
            () if sites == 1 => lone(),
            () => Ok(pieces),
        }
    }

    fn end(&self, site: usize) -> PieceEnd {
        let site = &self.model.sites[site];
        PieceEnd { link: site.link, point: site.placement.translation }
    }

    /// What a geom is to a tendon around it.
    fn winding(
        &self,
        tendon: &str,
        geom: usize,
        side: Option<usize>,
    ) -> Result<Winding, BuildError> {
        let geom = &self.model.geoms[geom];
        let spool = match geom.shape {
            Shape::Sphere { radius } => Spool::Ball { radius },
            Shape::Cylinder { radius, .. } => Spool::Cylinder { radius },
            other => {
                let (tendon, shape) = (tendon.to_owned(), other.name());
                return Err(BuildError::Unwindable { tendon, shape });
            }
        };
        let link = geom.body.and_then(|body| self.model.bodies[body].link);
        let side = side.map(|site| self.end(site));
        Ok(Winding { link, placement: geom.placement, spool, side })
    }

    /// The coordinates that move a tendon, ascending.
    fn moving(&self, parts: &[TendonPart], pieces: &[Piece]) -> Vec<usize> {
        let mut dofs: Vec<usize> = parts.iter().map(|part| part.dof).collect();
        let ends = pieces.iter().flat_map(|piece| piece.ends.map(|end| end.link));
        let windings = pieces.iter().filter_map(|piece| piece.winding.map(|w| w.link));
        dofs.extend(self.dofs_of(ends.chain(windings)));
        dofs.sort_unstable();
        dofs.dedup();
        dofs
    }

    /// The coordinates that move some of these links, each once, ascending.
    pub(super) fn dofs_of(&self, links: impl IntoIterator<Item = Option<usize>>) -> Vec<usize> {
        let before = |d: &usize| self.model.dof_parent[*d];
        let chain = |link| std::iter::successors(self.model.last_dof(link), before);
        let mut dofs: Vec<usize> = links.into_iter().flat_map(chain).collect();
        dofs.sort_unstable();
        dofs.dedup();
        dofs
    }

    /// Lengths of a tendon where the model was described, and where all joints' springs are at rest.
    fn lengths(&self, tendon: usize) -> [f64; 2] {
        let (model, mut s) = (&self.model, Scratch::new(&self.model));
        let mut at_rest = model.q0.clone();
        for link in &model.links {
            if matches!(link.joint, JointKind::Hinge(_) | JointKind::Slide(_)) {
                at_rest[link.q_at] = model.parameters.rest[link.v_at];
            }
        }
        [&model.q0, &at_rest].map(|q| {
            place_links(model, &model.parameters, q, &mut s);
            lay(model, q, &mut s);
            s.routes.length[tendon]
        })
    }
}
