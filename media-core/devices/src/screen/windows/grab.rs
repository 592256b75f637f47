//! Pixels of a monitor out of the compositor: the newest frame is copied on the graphics card, and comes to us only when
//! a picture is made of it. Belongs to one thread; the system's own thread only rings.
//!
//! Made on the bindings themselves and not on `windows-capture` or `xcap`: both hand a frame over where it arrives and
//! nowhere else, so a change that comes before its time could only be copied in full or lost for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use media_core::frame::Size;
use windows::Foundation::Metadata::ApiInformation;
use windows::Foundation::{TimeSpan, TypedEventHandler};
use windows::Graphics::Capture::{
    Direct3D11CaptureFrame, Direct3D11CaptureFramePool, GraphicsCaptureItem, GraphicsCaptureSession,
};
use windows::Graphics::DirectX::Direct3D11::IDirect3DDevice;
use windows::Graphics::DirectX::DirectXPixelFormat;
use windows::Graphics::SizeInt32;
use windows::Win32::Foundation::{E_FAIL, E_UNEXPECTED, HMODULE};
use windows::Win32::Graphics::Direct3D::{D3D_DRIVER_TYPE, D3D_DRIVER_TYPE_HARDWARE, D3D_DRIVER_TYPE_WARP};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_CPU_ACCESS_READ, D3D11_CREATE_DEVICE_BGRA_SUPPORT, D3D11_MAP_READ, D3D11_MAPPED_SUBRESOURCE,
    D3D11_SDK_VERSION, D3D11_TEXTURE2D_DESC, D3D11_USAGE_STAGING, D3D11CreateDevice, ID3D11Device, ID3D11DeviceContext,
    ID3D11Multithread, ID3D11Texture2D,
};
use windows::Win32::Graphics::Dxgi::Common::{DXGI_FORMAT_B8G8R8A8_UNORM, DXGI_SAMPLE_DESC};
use windows::Win32::Graphics::Dxgi::IDXGIDevice;
use windows::Win32::Graphics::Gdi::HMONITOR;
use windows::Win32::System::WinRT::Direct3D11::{CreateDirect3D11DeviceFromDXGIDevice, IDirect3DDxgiInterfaceAccess};
use windows::Win32::System::WinRT::Graphics::Capture::IGraphicsCaptureItemInterop;
use windows::core::{Error, HSTRING, Interface, Result, factory};

/// Frames the compositor may draw while we look at one.
const FRAMES: i32 = 2;
/// Of Windows 10 1903, the first that captures a monitor without asking in a window of its own.
const CONTRACT: u16 = 8;
/// `TimeSpan`s in a second.
const SECOND: i64 = 10_000_000;

/// Does this system capture monitors?
pub(super) fn is_supported() -> bool {
    let contract = HSTRING::from("Windows.Foundation.UniversalApiContract");
    let present = ApiInformation::IsApiContractPresentByMajor(&contract, CONTRACT).unwrap_or(false);
    present && GraphicsCaptureSession::IsSupported().unwrap_or(false)
}

/// A monitor being captured; dropping it ends that.
pub(super) struct Grab {
    context: ID3D11DeviceContext,
    /// The newest frame, where the processor may read it.
    newest: ID3D11Texture2D,
    content: SizeInt32,
    size: Size,
    pool: Direct3D11CaptureFramePool,
    session: GraphicsCaptureSession,
    /// Kept for as long as it is captured.
    _item: GraphicsCaptureItem,
    bell: Receiver<()>,
    closed: Arc<AtomicBool>,
}

impl Grab {
    /// Starts, with so many frames a second at most where the system can limit them (Windows 11 24H2).
    pub(super) fn start(monitor: HMONITOR, fps: u32) -> Result<Self> {
        let interop = factory::<GraphicsCaptureItem, IGraphicsCaptureItemInterop>()?;
        // SAFETY: a handle that is no monitor's any more is answered with an error.
        let item: GraphicsCaptureItem = unsafe { interop.CreateForMonitor(monitor) }?;
        let content = item.Size()?;
        let size = Size::even(content.Width.max(0).cast_unsigned(), content.Height.max(0).cast_unsigned())
            .ok_or_else(|| Error::new(E_FAIL, format!("a monitor of {} x {}", content.Width, content.Height)))?;
        let (device, context) = device(D3D_DRIVER_TYPE_HARDWARE).or_else(|_| device(D3D_DRIVER_TYPE_WARP))?;
        let newest = staging(&device, content)?;
        let format = DirectXPixelFormat::B8G8R8A8UIntNormalized;
        let pool = Direct3D11CaptureFramePool::CreateFreeThreaded(&for_winrt(&device)?, format, FRAMES, content)?;
        let session = pool.CreateCaptureSession(&item)?;
        let interval = TimeSpan { Duration: SECOND / i64::from(fps.max(1)) };
        if let Err(error) = session.SetMinUpdateInterval(interval) {
            tracing::debug!(%error, "the system shows every frame");
        }
        let (ring, bell) = sync_channel(1);
        // Nothing of these is taken back: both senders are closed by `drop` before the handlers could miss anything.
        pool.FrameArrived(&TypedEventHandler::new(move |_, _| {
            // A bell that rings already is enough.
            ring.try_send(()).unwrap_or(());
            Ok(())
        }))?;
        let closed = Arc::new(AtomicBool::new(false));
        let closing = Arc::clone(&closed);
        item.Closed(&TypedEventHandler::new(move |_, _| {
            closing.store(true, Ordering::Release);
            Ok(())
        }))?;
        session.StartCapture()?;
        Ok(Self { context, newest, content, size, pool, session, _item: item, bell, closed })
    }

    /// Pixels of its pictures: even, the last line of an odd side is left out.
    pub(super) const fn size(&self) -> Size {
        self.size
    }

    /// Waits for a frame, so long at most.
    pub(super) fn wait(&self, longest: Duration) {
        if self.bell.recv_timeout(longest) == Err(RecvTimeoutError::Disconnected) {
            // The system forgot us; what that means is seen elsewhere, and not by spinning.
            std::thread::sleep(longest);
        }
    }

    /// Takes the newest frame, if there is one.
    ///
    /// # Errors
    /// The monitor is gone or another size, or the graphics card is, in words.
    pub(super) fn take(&mut self) -> std::result::Result<bool, String> {
        if self.closed.load(Ordering::Acquire) {
            return Err("the monitor went away".into());
        }
        let mut newest = None;
        while let Some(frame) = self.next().map_err(|e| e.to_string())? {
            newest = Some(frame);
        }
        let Some(frame) = newest else { return Ok(false) };
        if frame.ContentSize().map_err(|e| e.to_string())? != self.content {
            return Err("the monitor changed its size".into());
        }
        self.keep(&frame).map_err(|e| e.to_string())?;
        Ok(true)
    }

    fn next(&self) -> Result<Option<Direct3D11CaptureFrame>> {
        match self.pool.TryGetNextFrame() {
            Ok(frame) => Ok(Some(frame)),
            // Nothing there is no error, but nothing all the same.
            Err(nothing) if nothing.code().is_ok() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn keep(&self, frame: &Direct3D11CaptureFrame) -> Result<()> {
        let surface: IDirect3DDxgiInterfaceAccess = frame.Surface()?.cast()?;
        // SAFETY: asks the surface for the interface it is made of; the type says which.
        let texture: ID3D11Texture2D = unsafe { surface.GetInterface() }?;
        // SAFETY: two textures of one device, both of the size and format the pool was made with.
        unsafe { self.context.CopyResource(&self.newest, &texture) };
        frame.Close()
    }

    /// Lends what was taken last: its lines of BGRA and the bytes of each.
    pub(super) fn read<T>(&mut self, take: impl FnOnce(&[u8], u32) -> T) -> Result<T> {
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        // SAFETY: a staging texture made for reading; where it is mapped is written into `mapped`.
        unsafe { self.context.Map(&self.newest, 0, D3D11_MAP_READ, 0, Some(&raw mut mapped)) }?;
        let bytes = mapped.RowPitch as usize * self.content.Height.max(0).cast_unsigned() as usize;
        let taken = if mapped.pData.is_null() {
            Err(Error::from(E_UNEXPECTED))
        } else {
            // SAFETY: a mapped texture has so many bytes for each of its lines, and stays until it is unmapped below; the
            // graphics card does not write into it meanwhile.
            let lines = unsafe { std::slice::from_raw_parts(mapped.pData.cast::<u8>(), bytes) };
            Ok(take(lines, mapped.RowPitch))
        };
        // SAFETY: mapped above, and nothing of it is borrowed any more.
        unsafe { self.context.Unmap(&self.newest, 0) };
        taken
    }
}

impl Drop for Grab {
    fn drop(&mut self) {
        for ended in [self.session.Close(), self.pool.Close()] {
            if let Err(error) = ended {
                tracing::debug!(%error, "the capture was gone before it was ended");
            }
        }
    }
}

fn device(kind: D3D_DRIVER_TYPE) -> Result<(ID3D11Device, ID3D11DeviceContext)> {
    let (mut device, mut context) = (None, None);
    // SAFETY: what is made is written into the two, or nothing is.
    unsafe {
        D3D11CreateDevice(
            None,
            kind,
            HMODULE::default(),
            D3D11_CREATE_DEVICE_BGRA_SUPPORT,
            None,
            D3D11_SDK_VERSION,
            Some(&raw mut device),
            None,
            Some(&raw mut context),
        )
    }?;
    let (Some(device), Some(context)) = (device, context) else { return Err(Error::from(E_UNEXPECTED)) };
    // The frame pool works on the device from a thread of the system.
    let shared: ID3D11Multithread = context.cast()?;
    // SAFETY: a switch; what it was before does not matter.
    let _was = unsafe { shared.SetMultithreadProtected(true) };
    Ok((device, context))
}

fn for_winrt(device: &ID3D11Device) -> Result<IDirect3DDevice> {
    let dxgi: IDXGIDevice = device.cast()?;
    // SAFETY: wraps a device that lives.
    unsafe { CreateDirect3D11DeviceFromDXGIDevice(&dxgi) }?.cast()
}

/// A texture the processor may read.
fn staging(device: &ID3D11Device, content: SizeInt32) -> Result<ID3D11Texture2D> {
    let wanted = D3D11_TEXTURE2D_DESC {
        Width: content.Width.max(0).cast_unsigned(),
        Height: content.Height.max(0).cast_unsigned(),
        MipLevels: 1,
        ArraySize: 1,
        Format: DXGI_FORMAT_B8G8R8A8_UNORM,
        SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        Usage: D3D11_USAGE_STAGING,
        BindFlags: 0,
        CPUAccessFlags: D3D11_CPU_ACCESS_READ.0.cast_unsigned(),
        MiscFlags: 0,
    };
    let mut texture = None;
    // SAFETY: what is made is written into the option, or nothing is.
    unsafe { device.CreateTexture2D(&raw const wanted, None, Some(&raw mut texture)) }?;
    texture.ok_or_else(|| Error::from(E_UNEXPECTED))
}
