//! NumPy's NPZ: arrays in the format NPY, stored in a ZIP archive without compression.

use cotangent_problem::npy;

/// An archive in the making.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    /// The central directory.
    directory: Vec<u8>,
    files: u16,
}

impl Archive {
    /// A vector of 64-bit floats.
    pub(crate) fn numbers(&mut self, name: &str, values: &[f64]) {
        self.array(name, &npy::write(&[values.len()], values));
    }

    /// A vector of texts, each of as many characters as the longest.
    pub(crate) fn texts(&mut self, name: &str, texts: &[String]) {
        let width = texts.iter().map(|t| t.chars().count()).max().unwrap_or(0).max(1);
        let padded = |t: &String| {
            let codes = t.chars().map(u32::from).chain(std::iter::repeat(0));
            codes.take(width).flat_map(u32::to_le_bytes).collect::<Vec<u8>>()
        };
        let data: Vec<u8> = texts.iter().flat_map(padded).collect();
        self.array(name, &npy::file(&format!("<U{width}"), &[texts.len()], &data));
    }

    fn array(&mut self, name: &str, file: &[u8]) {
        self.file(&format!("{}.npy", name.replace(['/', '\\'], "_")), file);
    }

    /// A stored file: its local header, its content, and its entry of the directory.
    fn file(&mut self, name: &str, content: &[u8]) {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let mut common = Vec::new();
        common.extend([20, 0]); // version that is needed
        common.extend(0x0800_u16.to_le_bytes()); // names are UTF-8
        common.extend([0, 0, 0, 0, 0x21, 0]); // stored; 1980-01-01
        common.extend(crc32(content).to_le_bytes());
        common.extend(number(content.len()));
        common.extend(number(content.len()));
        common.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        common.extend([0, 0]); // no extra field
        self.directory.extend(b"PK\x01\x02\x14\x00");
        self.directory.extend(&common);
        self.directory.extend([0; 10]); // no comment, disk 0, no attributes
        self.directory.extend(number(self.bytes.len()));
        self.directory.extend(name.as_bytes());
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&common);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(content);
        self.files += 1;
    }

    /// The archive.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let (start, len) = (self.bytes.len(), self.directory.len());
        self.bytes.append(&mut self.directory);
        self.bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
        self.bytes.extend(self.files.to_le_bytes());
        self.bytes.extend(self.files.to_le_bytes());
        self.bytes.extend(number(len));
        self.bytes.extend(number(start));
        self.bytes.extend([0, 0]);
        self.bytes
    }
}

/// The checksum of ZIP: CRC-32 with the reflected polynomial `0xedb88320`.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |c, _| if c & 1 == 1 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 },
        )
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::{Archive, crc32};

    #[test]
    fn the_checksum_is_that_of_the_standard_s_example() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn an_archive_has_the_parts_that_the_formats_ask_for() {
        let mut archive = Archive::default();
        archive.numbers("x", &[1.0, -2.5]);
        archive.texts("t", &["ab".into(), "c".into()]);
        let bytes = archive.finish();
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
        let at = bytes.windows(header.len()).position(|w| w == header.as_bytes()).unwrap();
        let end = bytes[at..].iter().position(|b| *b == b'\n').unwrap();
        let data = at + end + 1;
        // the array's own bytes begin at a multiple of 64 from its start, 10 bytes before the header
        assert_eq!((data - (at - 10)) % 64, 0);
        assert_eq!(
            bytes[data..data + 16],
            [1.0_f64.to_le_bytes(), (-2.5_f64).to_le_bytes()].concat()
        );
        assert!(
            bytes.starts_with(b"PK\x03\x04")
                && bytes[bytes.len() - 22..].starts_with(b"PK\x05\x06")
        );
        assert_eq!(bytes[bytes.len() - 12..bytes.len() - 10], 2_u16.to_le_bytes());
    }
}
