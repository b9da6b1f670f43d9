//! What there is to see of an answer, within the page: bodies that can be turned, and played where they move.

use std::fmt::Write as _;

use cotangent_answer::Look;

use crate::export::gltf;
use crate::plot::escape;

const SCRIPT: &str = include_str!("view.js");
/// Triangles that the page shows at most: it draws them by itself.
const TRIANGLES: usize = 30_000;
/// Moments of a motion in the page; what is between two of them is interpolated.
const MOMENTS: usize = 241;

/// The figures of what is seen, and the script that shows them; nothing where there is nothing to see.
pub(super) fn views(looks: &[Look]) -> String {
    let triangles = |look: &&Look| look.bodies.iter().map(|b| b.faces.len()).sum::<usize>();
    let shown = |look: &&Look| (1..=TRIANGLES).contains(&triangles(look));
    let looks: Vec<&Look> = looks.iter().filter(shown).collect();
    let mut page = String::new();
    if looks.is_empty() {
        return page;
    }
    let title = if looks.iter().any(|look| look.moves()) { "Motion" } else { "In space" };
    let _ = writeln!(page, "<h2>{title}</h2>");
    for look in looks {
        page.push_str(&figure(look));
    }
    let _ = writeln!(page, "<script>\n{SCRIPT}</script>");
    page
}

/// A figure of one look: a canvas, what plays it, and its glTF file.
fn figure(look: &Look) -> String {
    let player = if look.moves() {
        "<button type=\"button\">Play</button>\
         <input type=\"range\" min=\"0\" max=\"1\" step=\"any\" value=\"0\" aria-label=\"time\"><output></output>"
    } else {
        ""
    };
    let name = escape(&look.name);
    // as JSON may have it, so that no name ends or begins a tag
    let file = String::from_utf8_lossy(&gltf::file(look, MOMENTS)).replace('<', "\\u003c");
    format!(
        "<figure class=\"view\"><canvas role=\"img\" aria-label=\"{name}\"></canvas>\n\
         <figcaption>{player}<span class=\"soft\">{name}; drag to turn</span></figcaption>\n\
         <noscript><p>This picture is drawn by the page's own script, which is turned off.</p></noscript>\n\
         <script type=\"application/json\">{file}</script></figure>\n"
    )
}

#[cfg(test)]
mod tests {
    use cotangent_ad::{Pose, Vec3};
    use cotangent_answer::{Body, Look};

    use super::{TRIANGLES, views};

    fn look(name: &str, steps: usize, faces: usize) -> Look {
        let pose = |k: usize| Pose { translation: Vec3([k as f64, 0.0, 0.0]), ..Pose::identity() };
        let body = Body {
            name: name.into(),
            corners: vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
            faces: vec![[0, 1, 2]; faces],
            colour: [0.5; 3],
            glow: [0.0; 3],
            poses: (0..steps).map(pose).collect(),
        };
        let times = (0..steps).map(|k| k as f64).collect();
        Look { name: name.into(), unit: "m", up: 2, times, bodies: vec![body] }
    }

    #[test]
    fn what_moves_has_a_player_and_what_stands_has_none() {
        let (moving, still) = (views(&[look("a", 3, 1)]), views(&[look("a", 1, 1)]));
        assert!(moving.contains("<h2>Motion</h2>") && moving.contains("type=\"range\""));
        assert!(still.contains("<h2>In space</h2>") && !still.contains("type=\"range\""));
    }

    #[test]
    fn what_is_at_rest_all_the_time_is_not_played() {
        let mut resting = look("a", 3, 1);
        resting.bodies[0].poses = vec![Pose::identity(); 3];
        assert!(!views(&[resting]).contains("type=\"range\""));
    }

    #[test]
    fn a_name_ends_no_script() {
        let page = views(&[look("</script><b>", 2, 1)]);
        assert_eq!(page.matches("</script>").count(), 2, "of the file and of the page");
        assert!(!page.contains("<b>"));
    }

    #[test]
    fn what_would_take_the_page_long_is_left_out() {
        assert!(views(&[look("a", 2, TRIANGLES + 1), look("b", 2, 0)]).is_empty());
    }
}
