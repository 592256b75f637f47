//! Cameras on Windows (Media Foundation) and macOS (AVFoundation), through nokhwa. Runs on the camera's own thread.
//! A busy camera shows only at its first picture, so opening takes one. nokhwa waits for a picture without end: closing
//! takes as long as the camera needs for the next one.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use ::nokhwa::utils::{
    ApiBackend, CameraFormat, CameraInfo, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};
use ::nokhwa::{Buffer, Camera, NokhwaError};
use media_core::device::{DeviceInfo, OpenDevice, PictureWish};
use protocol::ids::DeviceId;

use super::Got;
use super::modes::{Mode, best};
use crate::picture::{Pixels, Raw};

/// What we can convert.
const FORMATS: [FrameFormat; 3] = [FrameFormat::NV12, FrameFormat::YUYV, FrameFormat::MJPEG];

fn cameras() -> Vec<(DeviceId, CameraInfo)> {
    let all = match ::nokhwa::query(ApiBackend::Auto) {
        Ok(all) => all,
        Err(error) => {
            tracing::warn!(%error, "cameras not listed");
            return Vec::new();
        }
    };
    all.into_iter()
        .filter_map(|info| {
            // The system's own name of the device: the symbolic link, the unique id.
            let stable = if info.misc().is_empty() { info.human_name() } else { info.misc() };
            Some((DeviceId::parse(format!("camera:{stable}")).ok()?, info))
        })
        .collect()
}

/// Every camera.
pub(super) fn list() -> Vec<DeviceInfo> {
    let info = |(i, (id, info)): (usize, (DeviceId, CameraInfo))| DeviceInfo {
        id,
        name: info.human_name(),
        is_default: i == 0,
    };
    cameras().into_iter().enumerate().map(info).collect()
}

/// Of the cameras there are.
pub(super) fn fingerprint() -> u64 {
    let mut hasher = DefaultHasher::new();
    for (id, _) in cameras() {
        id.hash(&mut hasher);
    }
    hasher.finish()
}

/// An open, streaming camera; dropping it closes it.
pub(super) struct Source {
    camera: Camera,
    first: Option<Buffer>,
}

impl Source {
    /// Opens the camera with this id (`None`: the first) and starts it in the mode nearest to the wish.
    pub(super) fn open(wanted: Option<&DeviceId>, wish: PictureWish) -> Result<(Self, DeviceId), OpenDevice> {
        if !::nokhwa::nokhwa_check() {
            // The system asks the user; the answer comes later, and the next attempt finds it.
            ::nokhwa::nokhwa_initialize(|_| {});
            return Err(OpenDevice::Denied);
        }
        let (id, info) =
            cameras().into_iter().find(|(id, _)| wanted.is_none_or(|w| w == id)).ok_or(OpenDevice::Missing)?;
        let any = RequestedFormat::with_formats(RequestedFormatType::None, &FORMATS);
        let mut camera = Camera::new(info.index().clone(), any).map_err(refused)?;
        let offered = camera.compatible_camera_formats().map_err(refused)?;
        let modes: Vec<Mode> = offered.iter().filter_map(mode).collect();
        if let Some(chosen) = best(&modes, wish)
            && let Some(format) = offered.iter().find(|f| mode(f) == Some(chosen))
        {
            let exact = RequestedFormat::with_formats(RequestedFormatType::Exact(*format), &FORMATS);
            camera.set_camera_requset(exact).map_err(refused)?;
        }
        camera.open_stream().map_err(refused)?;
        let first = camera.frame().map_err(refused)?;
        tracing::info!(format = %camera.camera_format(), "camera opened");
        Ok((Self { camera, first: Some(first) }, id))
    }

    /// Waits for a picture and lends it to `take`.
    ///
    /// # Errors
    /// The camera is gone or broken, in words.
    pub(super) fn next<T>(&mut self, _wait: Duration, take: impl FnOnce(Raw<'_>) -> T) -> Result<Got<T>, String> {
        let buffer = match self.first.take() {
            Some(first) => first,
            None => self.camera.frame().map_err(|e| e.to_string())?,
        };
        if buffer.buffer().is_empty() {
            return Ok(Got::Nothing);
        }
        let Resolution { width_x: width, height_y: height } = buffer.resolution();
        let Some(pixels) = known(buffer.source_frame_format()) else {
            return Err(format!("the camera changed to {}", buffer.source_frame_format()));
        };
        Ok(Got::Picture(take(Raw {
            pixels,
            width,
            height,
            stride: stride(pixels, height, &buffer),
            bytes: buffer.buffer(),
        })))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Err(error) = self.camera.stop_stream() {
            tracing::debug!(%error, "camera not stopped");
        }
    }
}

/// AVFoundation pads lines without saying so; the length of the buffer tells.
fn stride(pixels: Pixels, height: u32, buffer: &Buffer) -> u32 {
    let lines = match pixels {
        Pixels::Nv12 | Pixels::I420 => height + height.div_ceil(2),
        Pixels::Yuyv => height,
        Pixels::Mjpeg => return 0,
    };
    u32::try_from(buffer.buffer().len()).ok().and_then(|len| len.checked_div(lines)).unwrap_or(0)
}

fn mode(format: &CameraFormat) -> Option<Mode> {
    Some(Mode {
        pixels: known(format.format())?,
        width: format.width(),
        height: format.height(),
        fps: f64::from(format.frame_rate()),
    })
}

const fn known(format: FrameFormat) -> Option<Pixels> {
    match format {
        FrameFormat::NV12 => Some(Pixels::Nv12),
        FrameFormat::YUYV => Some(Pixels::Yuyv),
        FrameFormat::MJPEG => Some(Pixels::Mjpeg),
        FrameFormat::GRAY | FrameFormat::RAWRGB | FrameFormat::RAWBGR => None,
    }
}

/// nokhwa has the system's reasons only as text.
#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
fn refused(error: NokhwaError) -> OpenDevice {
    let text = error.to_string();
    let lower = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    // MF_E_VIDEO_RECORDING_DEVICE_PREEMPTED, MF_E_HW_MFT_FAILED_START_STREAMING, HRESULT of ERROR_BUSY.
    if says(&["busy", "in use", "preempted", "0xc00d3ea3", "0xc00d3704", "0x800700aa"]) {
        OpenDevice::Busy
    } else if says(&["denied", "permission", "not authorized", "0x80070005"]) {
        OpenDevice::Denied
    } else if says(&["not found", "no device", "0xc00d36d5", "0x80070002"]) {
        OpenDevice::Missing
    } else {
        OpenDevice::Failed(text)
    }
}
