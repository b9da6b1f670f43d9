//! What the reader says about files that it cannot read: the problem and its line.

#![allow(clippy::unwrap_used, reason = "a test may end")]

use std::collections::BTreeMap;

use cotangent_physics::io::mjcf::{Files, MjcfError, MjcfErrors, read_mjcf, read_mjcf_with};
use cotangent_physics::io::urdf::{UrdfOptions, read_urdf};
use cotangent_physics::io::{Effect, ModelFile};
use cotangent_physics::model::Transmission;
use cotangent_physics::{Scratch, State, acceleration, crba, kinematics};

/// One line an element; `{}` takes the line under test, line 4.
fn refused(line: &str) -> MjcfError {
    let mut errors = all_refused(line).0;
    assert_eq!(errors.len(), 1, "{line}: {errors:?}");
    errors.remove(0)
}

fn all_refused(line: &str) -> MjcfErrors {
    let text = format!(
        "<mujoco>\n<worldbody>\n<body name=\"a\"><joint name=\"j\" axis=\"0 1 0\"/><geom name=\"g\" size=\".1\"/>\n\
         {line}\n</body>\n</worldbody>\n</mujoco>"
    );
    read_mjcf(&text).unwrap_err()
}

#[test]
fn problems_are_named_with_their_line() {
    let cases = [
        ("<geom size=\".1\" mass=\"-2\"/>", "mass of geom `` is -2"),
        ("<geom size=\"0\"/>", "every size must be finite and positive"),
        ("<geom type=\"mesh\" mesh=\"bunny\"/>", "no mesh is named `bunny`; there is none"),
        ("<geom type=\"hfield\"/>", "`type=\"hfield\"`: sphere or capsule"),
        ("<geom size=\".1\" euler=\"0 0 1\" quat=\"1 0 0 0\"/>", "exclude each other"),
        ("<geom size=\"nan\"/>", "expected 0 to 3 finite numbers"),
        ("<geom name=\"g\" size=\".1\"/>", "two geoms are named `g`"),
        ("<geom class=\"limb\" size=\".1\"/>", "no default class is named `limb`"),
        ("<body pos=\"0 0\"/>", "expected 3 finite numbers"),
        ("<body name=\"a\"/>", "two bodies are named `a`"),
        ("<body weight=\"1\"/>", "attribute `weight` of `body`"),
        ("<body><freejoint/></body>", "a free joint must be the only joint"),
        ("<body><joint type=\"ball\"/></body>", "has no inertia"),
        ("<body><joint axis=\"0 0 0\"/></body>", "is zero"),
        ("<body><joint type=\"gimbal\"/></body>", "hinge or slide or ball or free is supported"),
        ("<body><joint springdamper=\"1 1\"/></body>", "attribute `springdamper`"),
        ("<body><joint damping=\"-1\"/></body>", "damping of a joint without a name is -1"),
        ("<body><joint limited=\"true\"/></body>", "`joint` needs `range`"),
        ("<inertial mass=\"1\" diaginertia=\"1 1 1\"/>", "`inertial` needs `pos`"),
        ("<inertial pos=\"0 0 0\" mass=\"-1\" diaginertia=\"1 1 1\"/>", "the mass is -1 kg"),
        ("<composite/>", "element `composite` in `body` is not supported"),
        ("<geom size=\".1\"", "not well-formed XML"),
    ];
    for (line, expected) in cases {
        let error = refused(line);
        assert!(error.to_string().contains(expected), "{line}: {error}");
        let whole = expected == "has no inertia"; // known when the whole model is
        let malformed = expected.contains("XML");
        assert!(whole || malformed || error.line == 4, "{line}: {error}");
    }
}

#[test]
fn sections_are_known_or_refused() {
    let cases = [
        ("<actuator><motor site='s' refsite='t'/></actuator>", "no site is named `s`"),
        (
            "<worldbody><site name='s'/></worldbody><sensor><gyro site='s' cutoff='-1'/></sensor>",
            "`cutoff=\"-1\"`: 0 or more",
        ),
        (
            "<worldbody><site name='s'/></worldbody><sensor><framequat objtype='site' objname='s' cutoff='1'/></sensor>",
            "no cutoff of an axis or a quaternion",
        ),
        ("<actuator><motor refsite='t'/></actuator>", "needs `site`, to which `refsite` belongs"),
        (
            "<actuator><motor cranksite='s' cranklength='1'/></actuator>",
            "`motor` needs `slidersite`",
        ),
        (
            "<worldbody><site name='s'/></worldbody><actuator><motor cranksite='s' slidersite='s' cranklength='0'/></actuator>",
            "positive",
        ),
        (
            "<actuator><motor joint='j' tendon='t'/></actuator>",
            "`joint` and `tendon` exclude each other",
        ),
        ("<deformable><flex/></deformable>", "element `deformable` in `mujoco`"),
        ("<tendon><spatial/></tendon>", "tendon `` runs over nothing"),
        ("<tendon><spatial><geom geom=\"h\"/></spatial></tendon>", "no geom is named `h`"),
        (
            "<worldbody><site name='s'/><geom name='g' size='.1'/></worldbody><tendon><spatial><site site='s'/><geom geom='g'/></spatial></tendon>",
            "winds around a geom that is not between two sites",
        ),
        (
            "<worldbody><site name='s'/><geom name='g' type='capsule' size='.1 .1'/></worldbody><tendon><spatial><site site='s'/><geom geom='g'/><site site='s'/></spatial></tendon>",
            "winds around a capsule: it can around spheres and cylinders",
        ),
        ("<tendon><spatial><site/></spatial></tendon>", "`site` needs `site`"),
        (
            "<include file=\"other.xml\"/>",
            "cannot read `other.xml`: the model was given as text alone",
        ),
        ("<actuator><muscle joint=\"j\"/></actuator>", "element `muscle` in `actuator`"),
        ("<actuator><motor joint=\"k\"/></actuator>", "no joint is named `k`; there is none"),
        ("<option integrator=\"implicit\"/>", "Euler or RK4 or implicitfast is supported"),
        ("<option timestep=\"0\"/>", "a positive number"),
        ("<option wind=\"1 0 0\"/>", "attribute `wind` of `option`"),
        ("<default><plugin/></default>", "element `plugin` in `default`"),
        ("<default><default/></default>", "needs `class`"),
        ("<compiler eulerseq=\"abc\"/>", "three letters of xyzXYZ"),
    ];
    for (section, expected) in cases {
        let error = read_mjcf(&format!("<mujoco>\n{section}\n</mujoco>")).unwrap_err().0.remove(0);
        assert!(error.to_string().contains(expected), "{section}: {error}");
        assert_eq!(error.line, 2, "{section}: {error}");
    }
    let error = read_mjcf("<robot/>").unwrap_err();
    assert!(error.to_string().contains("not `mujoco`"));
    // entities that name each other, and a document type at all
    let cyclic = "<!DOCTYPE m [<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">]>\n<mujoco>&a;</mujoco>";
    assert!(read_mjcf(cyclic).unwrap_err().to_string().contains("XML"));
}

#[test]
fn the_span_is_the_attribute() {
    let text = "<mujoco><option timestep=\"fast\"/></mujoco>";
    let error = read_mjcf(text).unwrap_err().0.remove(0);
    assert_eq!(&text[error.span.clone()], "timestep=\"fast\"");
    assert_eq!((error.line, error.column), (1, 17));
}

#[test]
fn what_is_not_simulated_is_listed_unless_the_file_turns_it_off() {
    let body = "<body name='a'><joint name='j' range='0 1'/><geom type='mesh' mesh='m' name='stone'/>\n\
                <body name='b'><joint frictionloss='1'/><geom size='.2'/>\n\
                <body name='c'><joint range='0 0'/><geom size='.2 .1 .1' type='box'/></body></body></body>";
    let mesh = "<asset><mesh name='m' vertex='0 0 0 .1 0 0 0 .1 0 0 0 .1' face='0 2 1 0 1 3 0 3 2 1 2 3'/></asset>";
    let read = |option: &str| {
        let equality = "<equality><connect body1='a' anchor='0 0 0'/></equality>";
        let text =
            format!("<mujoco>{option}{mesh}\n<worldbody>{body}</worldbody>\n{equality}</mujoco>");
        read_mjcf(&text).unwrap()
    };
    let all = read("");
    let listed: Vec<_> = all.unsimulated.iter().map(|u| (u.what, u.line)).collect();
    assert_eq!(listed, [(Effect::Contact, 4)]);
    assert_eq!(all.unsimulated[0].which.as_deref(), Some("box and mesh `stone`"));
    assert!(Effect::ALL.into_iter().all(|e| all.enables(e)));
    let none = read("<option><flag constraint='disable'/></option>");
    assert!(Effect::ALL.into_iter().all(|e| !none.enables(e)));
    let less = read("<option><flag contact='disable' limit='disable'/></option>");
    let less: Vec<_> = Effect::ALL.into_iter().filter(|e| less.enables(*e)).collect();
    assert_eq!(less, [Effect::FrictionLoss, Effect::Equality]);
    let without = all.without(Effect::Contact).without(Effect::Equality);
    assert!(without.unsimulated.is_empty() && without.enables(Effect::Limits));
    // masks that exclude each other, and neighbours, do not collide
    let apart = body.replace("<geom", "<geom contype='1' conaffinity='2'");
    let text = format!("<mujoco>{mesh}<worldbody>{apart}</worldbody></mujoco>");
    let apart = read_mjcf(&text).unwrap();
    assert!(!apart.enables(Effect::Contact));
}

/// What a ray might meet and is not known makes a note of it, with its line, and no number.
#[test]
fn a_ray_that_may_meet_what_is_not_known_is_no_output() {
    let tetrahedron =
        "<mesh name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' face='0 2 1 0 1 3 0 3 2 1 2 3'/>";
    let note = |asset: &str, geom: &str, sensor: &str| {
        let text = format!(
            "<mujoco><asset>{asset}</asset><worldbody><body><joint/><geom size='.1'/><site name='s'/></body>{geom}</worldbody>\n\
             <sensor>{sensor}</sensor></mujoco>"
        );
        let read = read_mjcf(&text).unwrap();
        let mut notes = read.notes.into_iter().map(|n| (n.message, n.line));
        let note = notes.find(|(message, _)| message.contains("range"));
        assert_eq!(read.model.sensors().len(), usize::from(note.is_none()), "{text}");
        note
    };
    let ray = "<rangefinder site='s'/>";
    assert_eq!(note("", "<geom size='.1'/>", ray), None);
    for mass in ["1", "0"] {
        let geom = format!("<geom type='mesh' mesh='m' mass='{mass}'/>");
        assert_eq!(note(tetrahedron, &geom, ray), None);
    }
    let (field, land) =
        ("<hfield name='h' nrow='2' ncol='2' size='1 1 1 1'/>", "<geom type='hfield' hfield='h'/>");
    assert_eq!(note(field, land, ray), None);
    let text = format!(
        "<mujoco><asset>{field}</asset><worldbody>{land}<body><joint/><geom size='.1'/><site name='s'/></body></worldbody>\n\
         <sensor>{ray}</sensor></mujoco>"
    );
    let touching = read_mjcf(&text).unwrap().unsimulated.remove(0);
    assert_eq!(touching.which.as_deref(), Some("sphere and height field"));
    let flat = "<mesh name='m' vertex='0 0 0 1 0 0 0 1 0 1 1 0' face='0 1 2 1 3 2'/>";
    let picture = "<hfield name='h' file='h.png' size='1 1 1 1'/>";
    let ragged = "<hfield name='h' nrow='2' ncol='2' elevation='1 2 3' size='1 1 1 1'/>";
    let missing = "<mesh name='m' file='m.stl'/>";
    let mesh = "<geom type='mesh' mesh='m' mass='0'/>";
    for (asset, geom) in [(flat, mesh), (missing, mesh), (picture, land), (ragged, land)] {
        let (message, line) = note(asset, geom, ray).unwrap();
        assert_eq!((message.contains("that is not read"), line), (true, 2), "{message}");
        // what is clear need not be read
        let clear = geom.replace("/>", " rgba='1 1 1 0'/>");
        assert_eq!(note(asset, &clear, ray), None);
    }
    let clear = "<material name='glass' rgba='1 1 1 0'/>";
    assert!(note(clear, "", ray).unwrap().0.contains("materials that are clear"));
    let points = "<rangefinder site='s' data='dist point'/>";
    assert!(note("", "", points).unwrap().0.contains("more than a distance"));
}

#[test]
fn all_problems_of_a_file_are_reported_at_once() {
    let errors = all_refused(
        "<geom size='0' colour='red'/>\n<joint limited='true'/>\n<body><joint type='gimbal'/>\n\
         <geom/></body><site pos='1'/><light strange='1'/>",
    );
    let found: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
    let expected = [
        "attribute `colour`",
        "every size must be",
        "`joint` needs `range`",
        "hinge or slide or ball or free",
        "1 numbers in `size`",
        "expected 3 finite numbers",
    ];
    for text in expected {
        assert!(found.iter().any(|f| f.contains(text)), "{text} in {found:?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:?}");
}

/// Newton's issue tracker, 3682 and 1206: an explicit class replaces the class of the bodies around. Values by hand.
#[test]
fn an_explicit_class_replaces_the_class_around() {
    let read = read_mjcf(
        "<mujoco><default><geom size='.1' friction='.5' density='500'/>
           <default class='A'><geom size='.3' friction='.7'/><joint damping='2'/>
             <default class='A1'><geom density='2000'/></default></default>
           <default class='B'><joint armature='.4'/></default></default>
         <worldbody><body name='b1' childclass='A'>
           <joint name='ja'/><geom name='g0'/><geom name='g1' class='B' pos='1 0 0'/>
           <body name='b2'><joint name='jb' class='B'/><geom name='g2' class='A1'/><geom name='g3'/></body>
           <body name='b3' childclass='B'><joint name='jc'/><geom name='g4'/></body>
         </body></worldbody></mujoco>",
    )
    .unwrap();
    let model = &read.model;
    let radii: Vec<f64> = model
        .geoms()
        .iter()
        .map(|g| match g.shape {
            cotangent_physics::Shape::Sphere { radius } => radius,
            _ => f64::NAN,
        })
        .collect();
    assert_eq!(radii, [0.3, 0.1, 0.3, 0.3, 0.1]);
    let p = model.parameters();
    let masses: Vec<f64> = p.inertia.iter().map(|i| i.mass).collect();
    let expected = [58.643_062_867_009_47, 282.743_338_823_081_4, 2.094_395_102_393_195_7];
    for (found, expected) in masses.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12 * expected, "{masses:?}");
    }
    let friction: Vec<f64> = p.constraints.surfaces.iter().map(|s| s.friction[0]).collect();
    assert_eq!(friction, [0.7, 0.5, 0.7, 0.7, 0.5]);
    assert_eq!((&p.damping[..], &p.armature[..]), (&[2.0, 0.0, 0.0][..], &[0.0, 0.4, 0.4][..]));
}

/// Static bodies weigh: of 11 kg in all one hangs on the hinge.
#[test]
fn a_total_mass_counts_the_bodies_that_stand() {
    let read = read_mjcf(
        "<mujoco><compiler settotalmass='22'/><worldbody>
         <body><geom size='.1' mass='10'/></body>
         <body><joint/><geom size='.1' mass='1' pos='1 0 0'/></body></worldbody></mujoco>",
    )
    .unwrap();
    assert!((read.model.mass() - 2.0).abs() < 1e-15, "{}", read.model.mass());
}

/// A massless body between hinges about one line can spin on the spot; between crossed hinges, as in a gimbal, it cannot.
#[test]
fn a_massless_body_between_coaxial_hinges_is_refused_by_name() {
    let chain = |axis: &str| {
        read_mjcf(&format!(
            "<mujoco><worldbody><body name='ring'><joint name='first' axis='0 0 1'/>
             <body name='load'><joint axis='{axis}'/><geom size='.1' pos='.3 0 .1'/></body>
             </body></worldbody></mujoco>"
        ))
    };
    let error = chain("0 0 1").unwrap_err().to_string();
    assert!(error.contains("joint `first` of body `ring` has no inertia"), "{error}");
    assert!(chain("1 0 0").is_ok());
}

#[test]
fn an_inertia_that_no_body_has_is_refused_with_its_body() {
    let inertial = |inertia: &str| {
        read_mjcf(&format!(
            "<mujoco><worldbody><body name='odd'><joint/>
             <inertial pos='0 0 0' mass='1' {inertia}/></body></worldbody></mujoco>"
        ))
    };
    for inertia in ["diaginertia='1 1 3'", "fullinertia='1 1 1 2 0 0'", "diaginertia='-1 1 1'"] {
        let error = inertial(inertia).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("inertia of body `odd`"), "{error}");
    }
    assert!(inertial("diaginertia='1 1 2'").is_ok());
}

/// Files of a test, by name.
struct Given(BTreeMap<&'static str, &'static str>);

impl Files for Given {
    fn read(&mut self, name: &str, _: Option<&str>) -> Result<Vec<u8>, String> {
        self.0.get(name).map(|t| t.as_bytes().to_vec()).ok_or_else(|| "no such file".into())
    }
}

#[test]
fn included_files_stand_in_place_and_errors_name_them() {
    let mut files = Given(BTreeMap::from([
        (
            "arm.xml",
            "<mujocoinclude><body name='arm'><joint name='j'/>\n<include file='geoms.xml'/></body></mujocoinclude>",
        ),
        (
            "geoms.xml",
            "<mujocoinclude><geom name='one' size='.1'/>\n<geom name='two' size='.2'/></mujocoinclude>",
        ),
        ("bad.xml", "<mujocoinclude>\n<geom size='x'/></mujocoinclude>"),
        ("cycle.xml", "<mujocoinclude>\n<include file='cycle.xml'/></mujocoinclude>"),
    ]));
    let mut read = |inside: &str| {
        read_mjcf_with(&format!("<mujoco><worldbody>{inside}</worldbody></mujoco>"), &mut files)
    };
    let names =
        |read: &ModelFile| read.model.geoms().iter().map(|g| g.name.clone()).collect::<Vec<_>>();
    let inside =
        "<geom name='zero' size='.1'/><include file='arm.xml'/><geom name='three' size='.1'/>";
    let model = read(inside).unwrap();
    assert_eq!(names(&model), ["zero", "three", "one", "two"]);
    let error = read("<include file='bad.xml'/>").unwrap_err().to_string();
    assert!(error.starts_with("bad.xml, line 2"), "{error}");
    let error = read("<include file='cycle.xml'/>").unwrap_err().to_string();
    assert!(error.contains("cycle.xml, line 2") && error.contains("included already"), "{error}");
    let error = read("<include file='none.xml'/>").unwrap_err().to_string();
    assert!(error.contains("cannot read `none.xml`: no such file"), "{error}");
}

/// What files name, values and all.
#[test]
fn keyframes_tendons_and_servos_are_read() {
    let text = "<mujoco><worldbody><body><joint name='a' springref='60'/><geom size='.1' pos='1 0 0'/>
        <body><joint name='b' type='ball' stiffness='2'/><geom size='.1' pos='0 0 1'/></body></body></worldbody>
      <tendon><fixed name='t' stiffness='5' range='-1 1'><joint joint='a' coef='-2'/></fixed></tendon>
      <actuator><position joint='a' kp='3' kv='.5' forcerange='-1 1'/><motor tendon='t' gear='4'/>
        <motor joint='b' gear='0 3 4'/></actuator>
      <keyframe><key name='k' time='.5' qpos='.3 0 0 0 2' ctrl='1 2 3'/></keyframe></mujoco>";
    let read = read_mjcf(text).unwrap();
    let (model, key) = (&read.model, &read.keyframes[0]);
    let tendon = &model.tendons()[0];
    assert!((tendon.rest[0] + 2.0 * 60.0_f64.to_radians()).abs() < 1e-14);
    assert_eq!(tendon.range, Some([-1.0, 1.0]));
    let p = model.parameters();
    assert_eq!((p.gain[0], p.bias[0]), ([3.0, 0.0, 0.0], [0.0, -3.0, -0.5]));
    assert_eq!(p.gear, [1.0, 4.0, 5.0]);
    let ball = Transmission::Ball { link: 1, direction: [0.0, 0.6, 0.8] };
    assert_eq!(model.actuators()[2].transmission, ball);
    assert_eq!((key.name.as_str(), key.time), ("k", 0.5));
    assert_eq!(
        (&key.state.q[..], &key.controls[..]),
        (&[0.3, 0.0, 0.0, 0.0, 1.0][..], &[1.0, 2.0, 3.0][..])
    );
}

/// A right tetrahedron of edges 1, 2, 3: volume 1, centre at a quarter, as OBJ, as text STL and as lists.
#[test]
fn meshes_weigh_what_they_enclose() {
    let stl = "solid t\nfacet\nouter loop\nvertex 0 0 0\nvertex 0 2 0\nvertex 1 0 0\nendloop\nendfacet\n\
        vertex 0 0 0\nvertex 1 0 0\nvertex 0 0 3\nvertex 0 0 0\nvertex 0 0 3\nvertex 0 2 0\n\
        vertex 1 0 0\nvertex 0 2 0\nvertex 0 0 3\nendsolid";
    let obj = "v 0 0 0\nv 1 0 0\nv 0 2 0\nv 0 0 3\nf 1 3 2\nf 1/1 2/2 4/3\nf 1 4 3\nf -3 -2 -1\n";
    let mut files = Given(BTreeMap::from([("m/t.stl", stl), ("m/t.obj", obj)]));
    let lists = "vertex='0 0 0 1 0 0 0 2 0 0 0 3' face='0 2 1 0 1 3 0 3 2 1 2 3' name='t'";
    for mesh in ["file='t.stl'", "file='t.obj'", lists] {
        let text = format!(
            "<mujoco><compiler meshdir='m/'/><asset><mesh {mesh}/></asset><worldbody><body><freejoint/>
             <geom type='mesh' mesh='t' density='1'/></body></worldbody></mujoco>"
        );
        let read = read_mjcf_with(&text, &mut files).unwrap();
        let inertia = &read.model.parameters().inertia[1];
        assert!((inertia.mass - 1.0).abs() < 1e-14, "{mesh}: {}", inertia.mass);
        for (moment, expected) in inertia.moment.0.iter().zip([0.25, 0.5, 0.75]) {
            assert!((moment - expected).abs() < 1e-14);
        }
        // about the corner: (b^2 + c^2) / 10, products a b / 20
        let expected = [1.3, 1.0, 0.5, -0.1, -0.15, -0.3];
        for (found, expected) in inertia.rotational.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-13, "{:?}", inertia.rotational);
        }
    }
}

/// A prism over an arrowhead, and a tetrahedron without one of its faces: what MuJoCo 3.17.0 makes of them, as mass, centre and sum of the
/// principal moments. The pyramids that count by size have another volume from each point; MuJoCo's stand on their own centre.
#[test]
fn meshes_that_are_notched_or_open_weigh_as_mujoco_s() {
    let dart = "vertex='0 0 0 2 0 0 .5 .375 0 0 2 0 0 0 1 2 0 1 .5 .375 1 0 2 1'
        face='0 2 1 0 3 2 4 5 6 4 6 7 0 1 5 0 5 4 1 2 6 1 6 5 2 3 7 2 7 6 3 0 4 3 4 7'";
    let open =
        "vertex='0 0 0 1 0 0 0 2 0 0 0 3 .75 .875 .625' face='0 2 1 0 1 3 0 3 2 1 2 4 2 3 4'";
    let of_open = [1.196572260174329, 0.270360279893694, 0.5945460500990106, 0.7376223657858855];
    let (legacy, exact) = ("inertia='legacy'", "inertia='exact'");
    for (mesh, kind, [mass, x, y, z], moments) in [
        (
            dart,
            legacy,
            [1.146358078655057, 0.5496456302983534, 0.5288729286929392, 0.5],
            0.4996152899611834 + 0.4874365954389403 + 0.1851478357210821,
        ),
        (
            dart,
            exact,
            [0.875, 0.4523809523809522, 0.5059523809523808, 0.5],
            0.36244618459792605 + 0.3622426835317462 + 0.14562983226715379,
        ),
        (open, legacy, of_open, 0.608417183251676 + 0.4659917245070346 + 0.21236709434463075),
        (open, exact, of_open, 0.608417183251676 + 0.4659917245070346 + 0.21236709434463075),
    ] {
        let text = format!(
            "<mujoco><asset><mesh name='t' {mesh} {kind}/></asset><worldbody><body><freejoint/>
             <geom type='mesh' mesh='t' density='1'/></body></worldbody></mujoco>"
        );
        let read = read_mjcf(&text).unwrap();
        let inertia = &read.model.parameters().inertia[1];
        let [xx, yy, zz, ..] = inertia.rotational;
        let about_center = xx + yy + zz - 2.0 * mass * (x * x + y * y + z * z);
        let center = inertia.moment * inertia.mass.recip();
        let found = [inertia.mass, center[0], center[1], center[2], about_center];
        for (found, theirs) in found.into_iter().zip([mass, x, y, z, moments]) {
            assert!((found - theirs).abs() < 1e-12, "{kind}: {found} {theirs}");
        }
    }
}

/// Deep and wide files: no recursion, no quadratic time.
#[test]
fn deep_and_wide_files_are_read() {
    let n = 20_000;
    let deep = format!(
        "<mujoco><worldbody>{}<geom size='1'/>{}</worldbody></mujoco>",
        "<body>".repeat(n),
        "</body>".repeat(n)
    );
    assert_eq!(read_mjcf(&deep).unwrap().model.bodies().len(), n);
    let sibling =
        |k: usize| format!("<body name='b{k}'><joint name='j{k}'/><geom size='1'/></body>");
    let wide: String = (0..n).map(sibling).collect();
    let wide = read_mjcf(&format!("<mujoco><worldbody>{wide}</worldbody></mujoco>")).unwrap();
    assert_eq!(wide.model.nv(), n);
    let classes: String =
        (0..n).map(|k| format!("<default class='c{k}'><geom size='1'/>")).collect();
    let ends = "</default>".repeat(n);
    let text = format!("<mujoco><default>{classes}{ends}</default></mujoco>");
    assert!(read_mjcf(&text).is_ok());
}

/// A quaternion of any length stands for the rotation of its direction; a state of a model has length 1.
#[test]
fn quaternions_of_a_state_are_directions() {
    let read = read_mjcf(
        "<mujoco><worldbody><body><freejoint/><geom type='box' size='.1 .2 .3' pos='.1 .2 .3'/>
         </body></worldbody></mujoco>",
    )
    .unwrap();
    let model = &read.model;
    let q = [0.0, 0.0, 0.0, 0.6, 0.48, -0.64, 0.0];
    let v = [0.1, 0.2, 0.3, 1.0, -2.0, 3.0];
    let mut long = q;
    long[3..].iter_mut().for_each(|x| *x *= 1.01);
    let mut s = Scratch::new(model);
    let accelerate = |q: &[f64], s: &mut Scratch| {
        let state = State { q: q.to_vec(), v: v.to_vec(), act: vec![] };
        acceleration(model, model.parameters(), &read.options, (&state, &[]), s).to_vec()
    };
    let (a, b) = (accelerate(&q, &mut s), accelerate(&long, &mut s));
    for (a, b) in a.iter().zip(&b) {
        assert!((a - b).abs() < 1e-13 * 20.0, "{a} {b}");
    }
    let state = State::new(model, long.to_vec(), v.to_vec()).unwrap();
    assert!((state.q[3] - 0.6).abs() < 1e-15);
    assert!(
        State::new(model, vec![0.0; 7], v.to_vec()).unwrap_err().to_string().contains("is zero")
    );
    long[0] = f64::NAN;
    assert!(State::new(model, long.to_vec(), v.to_vec()).is_err());
    let mut placed = kinematics(model, model.parameters(), &q, &mut s);
    assert!(crba(model, model.parameters(), &mut placed)[0] > 0.0);
}

/// A link whose inertial frame is turned by `yaw`: the moments 1 and 2 about x and y of that frame, about the joint's x.
fn turned(yaw: f64) -> cotangent_physics::Model {
    let text = format!(
        "<robot name='r'><link name='base'/><link name='arm'>
         <inertial><origin rpy='0 0 {yaw:.17}' xyz='0 0 0'/><mass value='3'/>
         <inertia ixx='1' iyy='2' izz='2.5' ixy='0' ixz='0' iyz='0'/></inertial>
         <collision><geometry><box size='.1 .2 .3'/></geometry></collision></link>
         <joint name='j' type='continuous'><parent link='base'/><child link='arm'/><axis xyz='1 0 0'/>
         </joint></robot>"
    );
    read_urdf(&text, &UrdfOptions::default()).unwrap().model
}

/// google-deepmind/mujoco 3559: the turn of a URDF's inertial frame counts. A quarter turn swaps the moments; at 0.6 the
/// acceleration under 2 N m has the derivative `-2 sin(2a) / (1 + sin^2 a)^2` by the angle, by the adjoint through the tensor.
#[test]
fn the_inertial_frame_of_a_urdf_is_turned() {
    use cotangent_physics::derivative::{Multiplier, inverse_dynamics_pullback};
    let accelerate = |model: &cotangent_physics::Model| {
        let mut s = Scratch::new(model);
        let mut placed = kinematics(model, model.parameters(), &[0.0], &mut s);
        cotangent_physics::aba(model, model.parameters(), &[0.0], &[2.0], &mut placed)[0]
    };
    assert!((accelerate(&turned(std::f64::consts::FRAC_PI_2)) - 1.0).abs() < 1e-12);
    let (yaw, model) = (0.6_f64, turned(0.6));
    let a = accelerate(&model);
    assert!((a - 2.0 / (1.0 + yaw.sin().powi(2))).abs() < 1e-12);
    // da/dp = -M^-1 d(M a)/dp; the tensor R diag(1, 2, 2.5) R^T moves by its rotation about z
    let mut s = Scratch::new(&model);
    let (mut m, mut bar) = (Multiplier::new(&model), model.parameters().zero_like());
    m.lambda[0] = -a / 2.0;
    let mut placed = kinematics(&model, model.parameters(), &[0.0], &mut s);
    let (mut q_bar, mut v_bar) = ([0.0], [0.0]);
    let bars = (&mut q_bar[..], &mut v_bar[..]);
    let p = model.parameters();
    inverse_dynamics_pullback(&model, p, (&[0.0], &[a]), &mut m, &mut placed, bars, Some(&mut bar));
    let (sin, cos) = (2.0 * yaw).sin_cos();
    // xx = 1 + sin^2 a, yy = 2 - sin^2 a, xy = -sin(2a) / 2
    let by_yaw = [sin, -sin, 0.0, -cos, 0.0, 0.0];
    let slope: f64 = bar.inertia[0].rotational.iter().zip(by_yaw).map(|(b, d)| b * d).sum();
    assert!((slope + 1.071_747_1).abs() < 1e-7, "{slope}");
    assert!((slope + 2.0 * sin / (1.0 + yaw.sin().powi(2)).powi(2)).abs() < 1e-12, "{slope}");
}

/// Inverse inertias of bodies without mass, which scale what holds them, are taken where MuJoCo 3.17 has their centres: where an `inertial` says
/// or, without one, at the body's own place within itself.
#[test]
fn bodies_without_mass_have_a_center() {
    let read = read_mjcf(
        "<mujoco><worldbody><body pos='1 0 0'><joint axis='0 1 0'/><geom size='.1' pos='.2 0 0'/>
         <body name='bare' pos='.07 0 .3'/>
         <body pos='.1 0 .2'><inertial pos='.5 0 0' mass='0' diaginertia='0 0 0'/></body>
         <body pos='0 0 .4'><geom size='.1' pos='.3 0 0' mass='0'/></body></body></worldbody>
         <equality><connect body1='bare' anchor='0 0 0'/></equality></mujoco>",
    )
    .unwrap();
    let weights = &read.model.parameters().constraints.weights.bodies;
    let golden = [0.686_536_549_973_675_9, 0.723_431_559_508_615_5, 1.157_490_495_213_784_6];
    for ([shift, turn], golden) in weights[1..].iter().zip(golden) {
        assert!((shift - golden).abs() < 1e-12, "{shift} {golden}");
        assert!((turn - 1.808_578_898_771_538).abs() < 1e-12, "{turn}");
    }
}

#[test]
fn problems_of_a_urdf_are_named_with_their_line() {
    let read = |inside: &str| {
        let text = format!("<robot name='r'>\n<link name='a'/><link name='b'/>\n{inside}</robot>");
        read_urdf(&text, &UrdfOptions::default()).unwrap_err()
    };
    let joint = |kind: &str, inside: &str| {
        format!("<joint name='j' type='{kind}'><parent link='a'/><child link='b'/>{inside}</joint>")
    };
    let cases = [
        (joint("planar", ""), "joint `j` is `planar`"),
        (joint("revolute", "<mimic joint='k'/>"), "`mimic` is not supported"),
        (joint("revolute", "<axis xyz='0 0'/>"), "expected 3 finite numbers"),
        (joint("revolute", "<axis xyz='0 0 0'/>"), "axis of joint `j` is zero"),
        (joint("revolute", "").replace("'b'", "'c'"), "no link is named `c`"),
        ("<link name='a'/>".into(), "two links are named `a`"),
        ("<wheel/>".into(), "element `wheel` is not supported"),
        (String::new(), "are both roots"),
    ];
    for (inside, expected) in cases {
        let errors = read(&inside);
        assert!(errors.iter().any(|e| e.message.contains(expected)), "{inside}: {errors:?}");
    }
    let moves = read(&joint("revolute", "<axis xyz='1 0 0'/>"));
    assert!(moves[0].message.contains("joint `j` of body `b` has no inertia"), "{moves:?}");
}
