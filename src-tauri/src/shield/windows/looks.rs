//! The ways in which tools capture a screen of Windows, each used once on one corner of the primary monitor: GDI's `BitBlt`
//! (Print, old tools), Desktop Duplication (OBS, remote desktops) and Windows.Graphics.Capture (the Snipping Tool, meetings,
//! OBS). Run by the thread `shield`, for the self-test alone; keeps nothing.

use std::time::{Duration, Instant};

use windows::Foundation::Metadata::ApiInformation;
use windows::Graphics::Capture::{Direct3D11CaptureFramePool, GraphicsCaptureItem, GraphicsCaptureSession};
use windows::Graphics::DirectX::Direct3D11::IDirect3DDevice;
use windows::Graphics::DirectX::DirectXPixelFormat;
use windows::Win32::Foundation::{E_FAIL, E_UNEXPECTED, HMODULE, POINT};
use windows::Win32::Graphics::Direct3D::{D3D_DRIVER_TYPE_HARDWARE, D3D_DRIVER_TYPE_UNKNOWN, D3D_DRIVER_TYPE_WARP};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BOX, D3D11_CPU_ACCESS_READ, D3D11_CREATE_DEVICE_BGRA_SUPPORT, D3D11_MAP_READ, D3D11_MAPPED_SUBRESOURCE,
    D3D11_SDK_VERSION, D3D11_TEXTURE2D_DESC, D3D11_USAGE_STAGING, D3D11CreateDevice, ID3D11Device, ID3D11DeviceContext,
    ID3D11Multithread, ID3D11Texture2D,
};
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT_B8G8R8A8_UNORM, DXGI_MODE_ROTATION_IDENTITY, DXGI_MODE_ROTATION_UNSPECIFIED, DXGI_SAMPLE_DESC,
};
use windows::Win32::Graphics::Dxgi::{
    CreateDXGIFactory1, DXGI_ERROR_NOT_FOUND, DXGI_ERROR_UNSUPPORTED, DXGI_ERROR_WAIT_TIMEOUT, DXGI_OUTDUPL_FRAME_INFO,
    IDXGIAdapter1, IDXGIDevice, IDXGIFactory1, IDXGIOutput1, IDXGIResource,
};
use windows::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, BitBlt, CAPTUREBLT, CreateCompatibleBitmap, CreateCompatibleDC,
    DIB_RGB_COLORS, DeleteDC, DeleteObject, GetDC, GetDIBits, HDC, MONITOR_DEFAULTTOPRIMARY, MonitorFromPoint,
    ReleaseDC, SRCCOPY, SelectObject,
};
use windows::Win32::System::WinRT::Direct3D11::{CreateDirect3D11DeviceFromDXGIDevice, IDirect3DDxgiInterfaceAccess};
use windows::Win32::System::WinRT::Graphics::Capture::IGraphicsCaptureItemInterop;
use windows::core::{Error, HSTRING, Interface, Result, factory};

use super::{AT, PIXELS, SIDE};

/// Of Windows 10 1903, the first that captures a monitor without asking in a window of its own.
const CONTRACT: u16 = 8;
/// How long a frame may take.
const FRAME: Duration = Duration::from_secs(1);
/// Waiting for one, in milliseconds.
const WAIT: u32 = 100;

/// A corner of the screen, one number a pixel, blue in the lowest byte.
pub(super) type Corner = [u32; PIXELS];

/// A way to capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    BitBlt,
    Duplication,
    GraphicsCapture,
}

impl Way {
    pub(super) const ALL: [Self; 3] = [Self::BitBlt, Self::Duplication, Self::GraphicsCapture];

    /// Looks; `None`: this system has no such way, for nobody.
    ///
    /// # Errors
    /// It has one, and it does not work for us: then nothing is known of what others see by it.
    pub(super) fn look(self) -> Result<Option<Corner>> {
        match self {
            Self::BitBlt => blit().map(Some),
            Self::Duplication => duplicate(),
            Self::GraphicsCapture => capture(),
        }
    }
}

fn blit() -> Result<Corner> {
    // SAFETY: no window means the screen; the context is given back below.
    let screen = unsafe { GetDC(None) };
    if screen.is_invalid() {
        return Err(Error::from(E_FAIL));
    }
    let copied = copy(screen);
    // SAFETY: it came from `GetDC` with the same window.
    unsafe { ReleaseDC(None, screen) };
    copied
}

fn copy(screen: HDC) -> Result<Corner> {
    let header = BITMAPINFOHEADER {
        biSize: size_of::<BITMAPINFOHEADER>() as u32,
        biWidth: SIDE,
        // From the top.
        biHeight: -SIDE,
        biPlanes: 1,
        biBitCount: 32,
        biCompression: BI_RGB.0,
        ..BITMAPINFOHEADER::default()
    };
    let mut info = BITMAPINFO { bmiHeader: header, ..BITMAPINFO::default() };
    let mut corner = [0; PIXELS];
    // SAFETY: what is made here is freed here, in order; `corner` has as many pixels as `info` says and outlives the calls.
    let lines = unsafe {
        let memory = CreateCompatibleDC(Some(screen));
        let picture = CreateCompatibleBitmap(screen, SIDE, SIDE);
        let before = SelectObject(memory, picture.into());
        let copied = BitBlt(memory, 0, 0, SIDE, SIDE, Some(screen), AT, AT, SRCCOPY | CAPTUREBLT);
        SelectObject(memory, before);
        let to = Some(corner.as_mut_ptr().cast());
        let lines = GetDIBits(memory, picture, 0, SIDE as u32, to, &raw mut info, DIB_RGB_COLORS);
        let freed = [DeleteObject(picture.into()), DeleteDC(memory)];
        if freed.iter().any(|freed| !freed.as_bool()) {
            tracing::debug!("a bitmap of the self-test stays");
        }
        copied.map(|()| lines)
    }?;
    if lines == SIDE { Ok(corner) } else { Err(Error::from(E_FAIL)) }
}

fn duplicate() -> Result<Option<Corner>> {
    // SAFETY: makes an object and hands it over.
    let displays: IDXGIFactory1 = unsafe { CreateDXGIFactory1() }?;
    for number in 0.. {
        // SAFETY: numbers past the last are answered with an error.
        let adapter = match unsafe { displays.EnumAdapters1(number) } {
            Ok(adapter) => adapter,
            Err(end) if end.code() == DXGI_ERROR_NOT_FOUND => return Ok(None),
            Err(error) => return Err(error),
        };
        if let Some(output) = primary(&adapter)? {
            return duplicate_of(&adapter, &output);
        }
    }
    Ok(None)
}

/// The output of this card that shows the corner.
fn primary(adapter: &IDXGIAdapter1) -> Result<Option<IDXGIOutput1>> {
    for number in 0.. {
        // SAFETY: numbers past the last are answered with an error.
        let output = match unsafe { adapter.EnumOutputs(number) } {
            Ok(output) => output,
            Err(end) if end.code() == DXGI_ERROR_NOT_FOUND => return Ok(None),
            Err(error) => return Err(error),
        };
        // SAFETY: answers a description by value.
        let about = unsafe { output.GetDesc() }?;
        let place = about.DesktopCoordinates;
        if about.AttachedToDesktop.as_bool() && place.left == 0 && place.top == 0 {
            if about.Rotation != DXGI_MODE_ROTATION_IDENTITY && about.Rotation != DXGI_MODE_ROTATION_UNSPECIFIED {
                return Err(Error::new(E_FAIL, "the monitor is turned"));
            }
            return output.cast().map(Some);
        }
    }
    Ok(None)
}

fn duplicate_of(adapter: &IDXGIAdapter1, output: &IDXGIOutput1) -> Result<Option<Corner>> {
    let (device, context) = device(Some(adapter))?;
    // SAFETY: a device of the very card that the output belongs to.
    let duplication = match unsafe { output.DuplicateOutput(&device) } {
        Ok(duplication) => duplication,
        // Remote Desktop's displays cannot be duplicated, by nobody.
        Err(error) if error.code() == DXGI_ERROR_UNSUPPORTED => return Ok(None),
        Err(error) => return Err(error),
    };
    let until = Instant::now() + FRAME;
    loop {
        let (mut about, mut frame): (DXGI_OUTDUPL_FRAME_INFO, Option<IDXGIResource>) = Default::default();
        // SAFETY: both are written to, or neither.
        match unsafe { duplication.AcquireNextFrame(WAIT, &raw mut about, &raw mut frame) } {
            Ok(()) => {}
            Err(error) if error.code() == DXGI_ERROR_WAIT_TIMEOUT && Instant::now() < until => continue,
            Err(error) => return Err(error),
        }
        // Without a time only the pointer moved, and the picture says nothing yet.
        let shown = about.LastPresentTime != 0;
        let corner = match frame.filter(|_| shown) {
            Some(frame) => Some(corner_of(&device, &context, &frame.cast()?)?),
            None => None,
        };
        // SAFETY: the frame taken above; nothing of it is kept.
        unsafe { duplication.ReleaseFrame() }?;
        if corner.is_some() {
            return Ok(corner);
        }
        if Instant::now() >= until {
            return Err(Error::from(DXGI_ERROR_WAIT_TIMEOUT));
        }
    }
}

fn capture() -> Result<Option<Corner>> {
    let contract = HSTRING::from("Windows.Foundation.UniversalApiContract");
    if !ApiInformation::IsApiContractPresentByMajor(&contract, CONTRACT).unwrap_or(false)
        || !GraphicsCaptureSession::IsSupported().unwrap_or(false)
    {
        return Ok(None);
    }
    let interop = factory::<GraphicsCaptureItem, IGraphicsCaptureItemInterop>()?;
    // SAFETY: two numbers in, a handle out.
    let monitor = unsafe { MonitorFromPoint(POINT { x: AT, y: AT }, MONITOR_DEFAULTTOPRIMARY) };
    // SAFETY: a handle that is no monitor's any more is answered with an error.
    let item: GraphicsCaptureItem = unsafe { interop.CreateForMonitor(monitor) }?;
    let (device, context) = device(None)?;
    let dxgi: IDXGIDevice = device.cast()?;
    // SAFETY: wraps a device that lives.
    let wrapped: IDirect3DDevice = unsafe { CreateDirect3D11DeviceFromDXGIDevice(&dxgi) }?.cast()?;
    let format = DirectXPixelFormat::B8G8R8A8UIntNormalized;
    let pool = Direct3D11CaptureFramePool::CreateFreeThreaded(&wrapped, format, 1, item.Size()?)?;
    let session = pool.CreateCaptureSession(&item)?;
    if let Err(error) = session.SetIsBorderRequired(false) {
        tracing::debug!(%error, "the system draws a border around the screen for a moment");
    }
    session.StartCapture()?;
    let corner = first(&pool, &device, &context);
    for ended in [session.Close(), pool.Close()] {
        if let Err(error) = ended {
            tracing::debug!(%error, "the capture was gone before it was ended");
        }
    }
    corner.map(Some)
}

fn first(pool: &Direct3D11CaptureFramePool, device: &ID3D11Device, context: &ID3D11DeviceContext) -> Result<Corner> {
    let until = Instant::now() + FRAME;
    loop {
        match pool.TryGetNextFrame() {
            Ok(frame) => {
                let surface: IDirect3DDxgiInterfaceAccess = frame.Surface()?.cast()?;
                // SAFETY: asks the surface for the interface it is made of; the type says which.
                let texture: ID3D11Texture2D = unsafe { surface.GetInterface() }?;
                let corner = corner_of(device, context, &texture);
                frame.Close()?;
                return corner;
            }
            // Nothing there is no error, but nothing all the same.
            Err(nothing) if nothing.code().is_ok() && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(u64::from(WAIT) / 10));
            }
            Err(nothing) if nothing.code().is_ok() => return Err(Error::from(E_FAIL)),
            Err(error) => return Err(error),
        }
    }
}

fn device(of: Option<&IDXGIAdapter1>) -> Result<(ID3D11Device, ID3D11DeviceContext)> {
    let kinds = match of {
        Some(_) => &[D3D_DRIVER_TYPE_UNKNOWN][..],
        None => &[D3D_DRIVER_TYPE_HARDWARE, D3D_DRIVER_TYPE_WARP],
    };
    let mut refused = Error::from(E_UNEXPECTED);
    for kind in kinds {
        let (mut device, mut context) = (None, None);
        let nobody = HMODULE::default();
        let (look, version) = (D3D11_CREATE_DEVICE_BGRA_SUPPORT, D3D11_SDK_VERSION);
        let (to, and) = (Some(&raw mut device), Some(&raw mut context));
        // SAFETY: what is made is written into the two, or nothing is.
        let made = match of {
            Some(card) => unsafe { D3D11CreateDevice(card, *kind, nobody, look, None, version, to, None, and) },
            None => unsafe { D3D11CreateDevice(None, *kind, nobody, look, None, version, to, None, and) },
        };
        match (made, device, context) {
            (Ok(()), Some(device), Some(context)) => {
                // The frame pool works on the device from a thread of the system.
                let shared: ID3D11Multithread = context.cast()?;
                // SAFETY: a switch; what it was before does not matter.
                let _was = unsafe { shared.SetMultithreadProtected(true) };
                return Ok((device, context));
            }
            (Ok(()), ..) => {}
            (Err(error), ..) => refused = error,
        }
    }
    Err(refused)
}

/// The corner out of a picture of the whole monitor.
fn corner_of(device: &ID3D11Device, context: &ID3D11DeviceContext, whole: &ID3D11Texture2D) -> Result<Corner> {
    let mut about = D3D11_TEXTURE2D_DESC::default();
    // SAFETY: writes a description.
    unsafe { whole.GetDesc(&raw mut about) };
    let end = (AT + SIDE).cast_unsigned();
    if about.Format != DXGI_FORMAT_B8G8R8A8_UNORM || about.Width < end || about.Height < end {
        return Err(Error::new(E_FAIL, "a picture of another kind"));
    }
    let side = SIDE.cast_unsigned();
    let wanted = D3D11_TEXTURE2D_DESC {
        Width: side,
        Height: side,
        MipLevels: 1,
        ArraySize: 1,
        Format: DXGI_FORMAT_B8G8R8A8_UNORM,
        SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        Usage: D3D11_USAGE_STAGING,
        BindFlags: 0,
        CPUAccessFlags: D3D11_CPU_ACCESS_READ.0.cast_unsigned(),
        MiscFlags: 0,
    };
    let mut made = None;
    // SAFETY: what is made is written into the option, or nothing is.
    unsafe { device.CreateTexture2D(&raw const wanted, None, Some(&raw mut made)) }?;
    let corner = made.ok_or_else(|| Error::from(E_UNEXPECTED))?;
    let from = AT.cast_unsigned();
    let part = D3D11_BOX { left: from, top: from, front: 0, right: end, bottom: end, back: 1 };
    let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
    // SAFETY: the part lies within `whole`, as was checked, and fills `corner`, which was made for reading; where it is
    // mapped is written into `mapped`.
    unsafe {
        context.CopySubresourceRegion(&corner, 0, 0, 0, 0, whole, 0, Some(&raw const part));
        context.Map(&corner, 0, D3D11_MAP_READ, 0, Some(&raw mut mapped))
    }?;
    let mut pixels = [0; PIXELS];
    let pitch = mapped.RowPitch as usize;
    let fits = !mapped.pData.is_null() && pitch >= size_of::<u32>() * side as usize;
    for (line, row) in pixels.chunks_exact_mut(side as usize).enumerate().filter(|_| fits) {
        // SAFETY: a mapped texture has `pitch` bytes for each of its lines, at least as many as a row here has, and stays
        // until it is unmapped below.
        unsafe {
            let from = mapped.pData.cast::<u8>().add(line * pitch);
            std::ptr::copy_nonoverlapping(from, row.as_mut_ptr().cast(), size_of_val(row));
        }
    }
    // SAFETY: mapped above, and nothing of it is borrowed any more.
    unsafe { context.Unmap(&corner, 0) };
    if fits { Ok(pixels) } else { Err(Error::from(E_UNEXPECTED)) }
}
