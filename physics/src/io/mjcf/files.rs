//! Where a model's other files come from.

use std::path::{Path, PathBuf};

/// Opens the files that a model names: included ones, and meshes.
pub trait Files {
    /// The bytes of the file `name`, which stands in the file `from` (`None`: the model's own).
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&mut self, name: &str, from: Option<&str>) -> Result<Vec<u8>, String>;
}

/// No files: a model that names one is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&mut self, _: &str, _: Option<&str>) -> Result<Vec<u8>, String> {
        Err("the model was given as text alone, without the folder of its files".into())
    }
}

/// Files beside the model; or, for what an included file names, beside that.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

impl Files for Folder {
    fn read(&mut self, name: &str, from: Option<&str>) -> Result<Vec<u8>, String> {
        let beside_model = self.0.join(name);
        let beside_file =
            from.and_then(|f| Path::new(f).parent()).map(|p| self.0.join(p).join(name));
        let path = match beside_file {
            Some(path) if !beside_model.exists() && path.exists() => path,
            _ => beside_model,
        };
        std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))
    }
}
