//! Whose window a picture that leaked was drawn for, among everyone this host ever let in.
//! Reads the one picture it is given; whoever calls reads keys and store. Run by the host's owner, by hand: `office-host
//! read-mark`, and `shoji --read-mark` for meetings of the host inside the app. Never while serving.

use std::io::{Cursor, Read as _};
use std::path::Path;

use protocol::ids::{DisplayName, RoomId, UserId};
use serde_json::{Value, json};
use watermark::{BadPicture, Grey};

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::keys::HostKeys;
use crate::store::{Saved, Write};

/// Largest file looked at, in bytes.
pub const MAX_FILE: usize = 64 << 20;
/// Memory a decoder may take, in bytes: a picture of 8192 x 8192 in four channels.
const MAX_DECODED: usize = 256 << 20;

/// What a viewer's window lays over a picture.
pub use watermark::Tile;

/// Why a file cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ReadPicture {
    /// The file cannot be read.
    #[error("the picture cannot be read: {0}")]
    File(#[from] std::io::Error),
    /// Over [`MAX_FILE`], or as a picture larger than can be decoded.
    #[error("the picture is too large")]
    TooLarge,
    /// Neither PNG nor JPEG.
    #[error("only PNG and JPEG pictures can be read")]
    Kind,
    /// It says that it is a PNG.
    #[error("the PNG is damaged: {0}")]
    Png(#[from] png::DecodingError),
    /// It says that it is a JPEG.
    #[error("the JPEG is damaged: {0}")]
    Jpeg(String),
    /// A size nothing can be read from.
    #[error(transparent)]
    Bad(#[from] BadPicture),
}

/// Whose mark it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Viewer {
    /// In which room.
    pub room: RoomId,
    /// What the room is called.
    pub title: String,
    /// Who; `None` when the room does not remember them any more.
    pub person: Option<(UserId, DisplayName)>,
    /// How well the picture agrees with their mark, 0 to 1.
    pub agreement: f32,
}

/// Whose window a PNG or JPEG file was drawn for, as one line of JSON for people and scripts; `found` is false where no mark
/// of this host reads.
///
/// # Errors
/// The file cannot be read, is too large, of another kind, or damaged.
pub fn read(picture: &Path, keys: &HostKeys, saved: &Saved) -> Result<Value, ReadPicture> {
    let mut bytes = Vec::new();
    // At most a little more than is looked at.
    std::fs::File::open(picture)?.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    let picture = decode(&bytes)?;
    Ok(viewer(&picture, keys, saved).map_or(json!({ "found": false }), |viewer| {
        let (user, name) = viewer.person.unzip();
        json!({
            "found": true, "room": viewer.room, "title": viewer.title, "user": user, "name": name,
            "agreement": (f64::from(viewer.agreement) * 100.0).round() / 100.0,
        })
    }))
}

/// Decodes a PNG or JPEG file.
///
/// # Errors
/// Too large, of another kind, or damaged.
pub fn decode(file: &[u8]) -> Result<Grey, ReadPicture> {
    if file.len() > MAX_FILE {
        return Err(ReadPicture::TooLarge);
    }
    if file.starts_with(b"\x89PNG") {
        decode_png(file)
    } else if file.starts_with(&[0xFF, 0xD8]) {
        decode_jpeg(file)
    } else {
        Err(ReadPicture::Kind)
    }
}

/// Sizes are checked before memory is taken for the pixels.
fn fits(width: usize, height: usize) -> Result<(), ReadPicture> {
    let sides = Grey::SHORTEST..=Grey::LONGEST;
    if !sides.contains(&width) || !sides.contains(&height) {
        return Err(BadPicture::Size(width, height).into());
    }
    if width * height * 4 > MAX_DECODED {
        return Err(ReadPicture::TooLarge);
    }
    Ok(())
}

fn decode_png(file: &[u8]) -> Result<Grey, ReadPicture> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), png::Limits { bytes: MAX_DECODED });
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    fits(width, height)?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or(ReadPicture::TooLarge)?];
    let length = reader.next_frame(&mut pixels)?.buffer_size();
    Ok(Grey::from_channels(width, height, &pixels[..length])?)
}

fn decode_jpeg(file: &[u8]) -> Result<Grey, ReadPicture> {
    let options = DecoderOptions::default()
        .set_max_width(Grey::LONGEST)
        .set_max_height(Grey::LONGEST)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    let damaged = |e: &dyn std::fmt::Debug| ReadPicture::Jpeg(format!("{e:?}"));
    decoder.decode_headers().map_err(|e| damaged(&e))?;
    let (width, height) = decoder.dimensions().ok_or_else(|| damaged(&"no size"))?;
    fits(width, height)?;
    let pixels = decoder.decode().map_err(|e| damaged(&e))?;
    Ok(Grey::from_channels(width, height, &pixels)?)
}

/// Looks for a mark of any room of this host.
#[must_use]
pub fn viewer(picture: &Grey, keys: &HostKeys, saved: &Saved) -> Option<Viewer> {
    let rooms = saved.all.iter().filter_map(|write| match write {
        Write::Room { room, title, .. } => Some((room, title)),
        _ => None,
    });
    for (room, title) in rooms {
        let key = keys.marks(room);
        let Some(found) = watermark::read(picture, &key) else { continue };
        let person = saved.all.iter().find_map(|write| match write {
            Write::Member { room: of, user, name, .. } if of == room && key.viewer(user) == found.viewer => {
                Some((user.clone(), name.clone()))
            }
            _ => None,
        });
        return Some(Viewer { room: room.clone(), title: title.clone(), person, agreement: found.agreement });
    }
    None
}

#[cfg(test)]
mod tests {
    use protocol::policy::{Matrix, Role};
    use watermark::Tile;

    use super::*;

    const SIZE: (usize, usize) = (900, 600);

    fn member(room: &RoomId, user: &str, name: &str) -> Write {
        Write::Member {
            room: room.clone(),
            user: UserId::parse(user).unwrap(),
            role: Role::Member,
            name: DisplayName::parse(name).unwrap(),
            exempt: false,
        }
    }

    fn png(rgba: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, SIZE.0 as u32, SIZE.1 as u32);
        encoder.set_color(png::ColorType::Rgba);
        encoder.write_header().unwrap().write_image_data(rgba).unwrap();
        file
    }

    #[test]
    fn a_leaked_picture_names_whom_it_was_drawn_for() {
        let keys = HostKeys::generate().unwrap();
        let rooms = ["r1", "r2"].map(|name| RoomId::parse(name).unwrap());
        let mut saved = Saved::default();
        for room in &rooms {
            let (room, title) = (room.clone(), format!("title of {room}"));
            saved.all.push(Write::Room {
                room,
                title,
                matrix: Matrix::default(),
                minimum: Default::default(),
                created_at: 1,
            });
        }
        saved.all.extend([
            member(&rooms[0], "u_1", "花子"),
            member(&rooms[1], "u_1", "Emma"),
            member(&rooms[1], "u_2", "Taro"),
        ]);

        let key = keys.marks(&rooms[1]);
        let mut page = vec![255; SIZE.0 * SIZE.1 * 4];
        assert_eq!(viewer(&decode(&png(&page)).unwrap(), &keys, &saved), None, "white paper names nobody");
        Tile::draw(&key.cells(key.viewer(&UserId::parse("u_2").unwrap()))).cover(&mut page, SIZE.0);
        let found = viewer(&decode(&png(&page)).unwrap(), &keys, &saved).expect("a mark");
        assert_eq!((found.room, found.title.as_str()), (rooms[1].clone(), "title of r2"));
        assert_eq!(found.person.unwrap().1.as_str(), "Taro");

        saved.all.pop();
        let found = viewer(&decode(&png(&page)).unwrap(), &keys, &saved).expect("a mark");
        assert_eq!(found.person, None, "someone the room forgot");
        let other = HostKeys::generate().unwrap();
        assert_eq!(viewer(&decode(&png(&page)).unwrap(), &other, &saved), None, "another host's keys read nothing");
    }

    #[test]
    fn files_that_are_no_picture_are_refused() {
        let whole = png(&vec![7; SIZE.0 * SIZE.1 * 4]);
        assert!(matches!(decode(b"GIF89a"), Err(ReadPicture::Kind)));
        assert!(matches!(decode(&[]), Err(ReadPicture::Kind)));
        assert!(matches!(decode(&vec![0xFF; MAX_FILE + 1]), Err(ReadPicture::TooLarge)));
        for length in [4, 8, 20, 33, 60, whole.len() / 2] {
            assert!(decode(&whole[..length]).is_err(), "the first {length} bytes of a PNG");
        }
        assert!(decode(&[0xFF, 0xD8, 0xFF, 0xC0, 0, 1, 2, 3]).is_err());
    }

    #[test]
    fn a_size_out_of_range_is_refused_before_pixels_are_taken() {
        assert!(matches!(fits(100, 4000), Err(ReadPicture::Bad(BadPicture::Size(100, 4000)))));
        assert!(matches!(fits(16_000, 16_000), Err(ReadPicture::TooLarge)));
        assert!(fits(3840, 2160).is_ok());
    }
}
