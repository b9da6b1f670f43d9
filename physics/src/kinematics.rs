//! Where every link is, how it moves, and how points on it move with the coordinates.

use cotangent_ad::{Num, Pose, Quat, Real, Vec3};

use crate::model::{JointKind, Model, Parameters};
use crate::routes::Routes;
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::{Force, Motion};

/// Proof that the links of a model stand at a configuration: what [`kinematics`] leaves in the scratch, and what every algorithm
/// that reads it takes.
///
/// ```
/// # use cotangent_ad::Pose;
/// # use cotangent_physics::{JointSpec, Mobility, ModelBuilder, Scratch, Shape, Weight, kinematics, rnea};
/// # let mut builder = ModelBuilder::new();
/// # let slide = JointSpec::new("lift", Mobility::Slide([0.0, 0.0, 1.0]));
/// # let body = builder.body("load", None, Pose::identity(), &[slide])?;
/// # builder.geom("", Some(body), Shape::Sphere { radius: 0.1 }, Pose::identity(), Weight::Mass(2.0))?;
/// # let model = builder.build()?;
/// let mut scratch = Scratch::new(&model);
/// let mut placed = kinematics(&model, model.parameters(), &[0.3], &mut scratch);
/// assert_eq!(placed.body_pose(&model, 0).translation[2], 0.3);
/// assert!((rnea(&model, model.parameters(), &[0.0], None, &mut placed)[0] - 2.0 * 9.81).abs() < 1e-12);
/// # Ok::<(), cotangent_physics::BuildError>(())
/// ```
#[derive(Debug)]
#[must_use = "the frames are read through it"]
pub struct Placed<'s, T = f64>(&'s mut Scratch<T>);

impl<T> Placed<'_, T> {
    pub(crate) fn scratch(&mut self) -> &mut Scratch<T> {
        self.0
    }

    /// The tendons, as they were laid last.
    pub(crate) fn routes(&self) -> &Routes<T> {
        &self.0.routes
    }
}

impl<T: Num> Placed<'_, T> {
    /// Frame of a link in the world; `None` is the world.
    pub fn link_pose(&self, link: Option<usize>) -> Pose<T> {
        self.0.link_pose(link)
    }

    /// Frame of a body in the world.
    pub fn body_pose(&self, model: &Model, body: usize) -> Pose<T> {
        let body = &model.bodies()[body];
        self.link_pose(body.link) * lift_pose(&body.placement)
    }

    /// Frame of a site in the world.
    pub fn site_pose(&self, model: &Model, site: usize) -> Pose<T> {
        let site = &model.sites()[site];
        self.link_pose(site.link) * lift_pose(&site.placement)
    }

    /// Velocity of each link under the velocity `v` of the coordinates (`nv`), in world axes about the origin of its tree's first
    /// link.
    pub fn velocities(&mut self, model: &Model, v: &[T]) -> &[Motion<T>] {
        move_links(model, v, self.0);
        &self.0.velocity
    }
}

impl Placed<'_, f64> {
    /// Adds to `q_bar` what the cotangent `x_bar` of a world point fixed to `link` gives: `q_bar += (dx/dq)^T x_bar`, in the
    /// tangent space.
    pub fn point_pullback(
        &self,
        model: &Model,
        link: Option<usize>,
        point: Vec3<f64>,
        x_bar: Vec3<f64>,
        q_bar: &mut [f64],
    ) {
        let Some(link) = link else { return };
        let force = Force::at(point - self.0.origin(model, link), x_bar);
        let last = model.links()[link].v_at + model.links()[link].joint.nv() - 1;
        let mut dof = Some(last);
        while let Some(d) = dof {
            q_bar[d] += self.0.axis[d].dot(force);
            dof = model.dof_parent[d];
        }
    }

    /// Adds to `q_bar` what the cotangent `turn_bar` of a small turn of `link`, in world axes, gives.
    pub fn turn_pullback(
        &self,
        model: &Model,
        link: Option<usize>,
        turn_bar: Vec3<f64>,
        q_bar: &mut [f64],
    ) {
        let Some(link) = link else { return };
        let mut dof = Some(model.links()[link].v_at + model.links()[link].joint.nv() - 1);
        while let Some(d) = dof {
            q_bar[d] += self.0.axis[d].angular.dot(turn_bar);
            dof = model.dof_parent[d];
        }
    }
}

/// Frames, axes and inertias of all links at `q`.
///
/// `X_i = X_p X_T X_J(q)` (Featherstone 2008, eq. 4.3 and table 4.1), in world axes about the tree's origin. A quaternion stands for
/// the rotation of its direction: its length does not matter, unless it is 0.
pub fn kinematics<'s, T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    q: &[T],
    s: &'s mut Scratch<T>,
) -> Placed<'s, T> {
    place_links(model, parameters, q, s);
    Placed(s)
}

/// [`kinematics`] without its proof.
pub(crate) fn place_links<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    q: &[T],
    s: &mut Scratch<T>,
) {
    for (i, link) in model.links().iter().enumerate() {
        let at = s.link_pose(link.parent) * lift_pose(&link.placement);
        let x = &q[link.q_at..];
        s.pose[i] = match link.joint {
            JointKind::Hinge(axis) => {
                let turn = Quat::from_axis_angle(lit(axis), x[0] - link.reference).to_mat();
                Pose { rotation: at.rotation * turn, ..at }
            }
            JointKind::Slide(axis) => {
                let along = lit(axis) * (x[0] - link.reference);
                Pose { translation: at.point(along), ..at }
            }
            JointKind::Ball => {
                let turn = Quat([x[0], x[1], x[2], x[3]]).normalized().to_mat();
                Pose { rotation: at.rotation * turn, ..at }
            }
            JointKind::Translation => {
                Pose { translation: at.point(Vec3([x[0], x[1], x[2]])), ..at }
            }
        };
        let from_origin = s.pose[i].translation - s.origin(model, i);
        let Pose { rotation, .. } = s.pose[i];
        let turning = |axis: Vec3<T>| Motion { angular: axis, linear: from_origin.cross(axis) };
        let along = |axis: Vec3<T>| Motion { angular: Vec3::zero(), linear: axis };
        let axis = &mut s.axis[link.v_at..];
        match link.joint {
            JointKind::Hinge(a) => axis[0] = turning(rotation * lit(a)),
            JointKind::Slide(a) => axis[0] = along(rotation * lit(a)),
            JointKind::Ball => (0..3).for_each(|k| axis[k] = turning(rotation.column(k))),
            JointKind::Translation => (0..3).for_each(|k| axis[k] = along(rotation.column(k))),
        }
        let about_origin = Pose { rotation, translation: from_origin };
        s.inertia[i] = parameters.inertia[i].transformed(&about_origin);
    }
}

fn lit<T: Num>(v: Vec3<f64>) -> Vec3<T> {
    Vec3::lit(v.0)
}

/// Velocities of all links into `s.velocity`, after kinematics (eq. 5.14 left).
pub(crate) fn move_links<T: Num>(model: &Model, v: &[T], s: &mut Scratch<T>) {
    for (i, link) in model.links().iter().enumerate() {
        let mut velocity = link.parent.map_or_else(Motion::zero, |p| s.velocity[p]);
        for d in link.v_at..link.v_at + link.joint.nv() {
            velocity += s.axis[d] * v[d];
        }
        s.velocity[i] = velocity;
    }
}
