//! Devices that are missing, busy or pulled out: a message, and the call goes on.

use inspection::person::{Guest, guarded, poll};
use inspection::world::World;
use media_core::testing::{DeviceKind, Fault};
use protocol::bridge::{Code, SwitchState};
use protocol::policy::Role;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_call_goes_on_without_a_microphone_and_a_busy_camera() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let guest = Guest::humming("Guest", 660.0).await?;
        guest.devices.set_fault(DeviceKind::Microphone, Some(Fault::Missing));
        guest.devices.set_fault(DeviceKind::Camera, Some(Fault::Busy));
        guest.join(&world.invite(Role::Member).await?.to_link(), true, true).await?;
        guest.until_in().await?;
        guest
            .until("both devices to be explained", |m| {
                let meeting = m.snapshot.meeting.as_ref()?;
                let microphone = meeting.microphone == SwitchState::Blocked { code: Code::DeviceMissing };
                let camera = meeting.camera == SwitchState::Blocked { code: Code::DeviceBusy };
                let told = |code| m.snapshot.notices.iter().any(|n| n.code == code);
                ((microphone || told(Code::DeviceMissing)) && (camera || told(Code::DeviceBusy))).then_some(())
            })
            .await?;
        guest.until_hears(440.0).await?;
        owner.until_people(2).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_microphone_pulled_out_is_told_and_can_come_back() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let guest = world.guest("Guest", Role::Member, 660.0).await?;
        owner.until_hears(660.0).await?;

        guest.devices.unplug(DeviceKind::Microphone);
        owner.until_silent(660.0).await?;
        guest
            .until("being told", |m| m.snapshot.notices.iter().any(|n| n.code == Code::DeviceLost).then_some(()))
            .await?;
        guest.until_hears(440.0).await?;

        guest.devices.replug(DeviceKind::Microphone);
        guest
            .until("the microphone to be listed", |m| (!m.snapshot.devices.microphones.is_empty()).then_some(()))
            .await?;
        if !matches!(guest.meeting()?.microphone, SwitchState::On { .. } | SwitchState::Starting) {
            guest.microphone(true).await?;
        }
        owner.until_hears(660.0).await?;
        assert!(poll(|| (guest.devices.open_streams(DeviceKind::Microphone) == 1).then_some(())).await.is_some());
        Ok(())
    })
    .await
}
