//! A TCP cable between a client and its host that a test can cut. Forwards bytes on loopback and reads none of them.
//! For tests only; dropping it cuts everything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A cable. What connects to [`Cable::end`] talks to the target.
pub struct Cable {
    end: SocketAddr,
    /// Rises with every cut; connections of an older number end.
    cuts: watch::Sender<usize>,
    plugged: Arc<AtomicBool>,
    carried: Arc<AtomicUsize>,
    acceptor: JoinHandle<()>,
}

impl Cable {
    /// A cable to `target`, plugged in.
    ///
    /// # Errors
    /// No free port on loopback.
    pub async fn to(target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let end = listener.local_addr()?;
        let (cuts, cut) = watch::channel(0);
        let plugged = Arc::new(AtomicBool::new(true));
        let carried = Arc::new(AtomicUsize::new(0));
        let acceptor = {
            let (plugged, carried) = (Arc::clone(&plugged), Arc::clone(&carried));
            tokio::spawn(async move {
                while let Ok((near, _)) = listener.accept().await {
                    if plugged.load(Ordering::Acquire) {
                        carried.fetch_add(1, Ordering::Relaxed);
                        tokio::spawn(carry(near, target, cut.clone()));
                    }
                    // Unplugged: the connection is dropped at once, as a dead host's would be.
                }
            })
        };
        Ok(Self { end, cuts, plugged, carried, acceptor })
    }

    /// Where to connect.
    #[must_use]
    pub const fn end(&self) -> SocketAddr {
        self.end
    }

    /// Connections carried so far.
    #[must_use]
    pub fn carried(&self) -> usize {
        self.carried.load(Ordering::Relaxed)
    }

    /// Ends every connection now; new ones work.
    pub fn cut(&self) {
        self.cuts.send_modify(|n| *n += 1);
    }

    /// Ends every connection now and refuses new ones until [`Cable::plug`].
    pub fn unplug(&self) {
        self.plugged.store(false, Ordering::Release);
        self.cut();
    }

    /// New connections work again.
    pub fn plug(&self) {
        self.plugged.store(true, Ordering::Release);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.acceptor.abort();
        self.cut();
    }
}

async fn carry(mut near: TcpStream, target: SocketAddr, mut cut: watch::Receiver<usize>) {
    cut.mark_unchanged();
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    tokio::select! {
        // Either side's end is the end; what it said before has been carried.
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        _ = cut.changed() => {}
    }
}
