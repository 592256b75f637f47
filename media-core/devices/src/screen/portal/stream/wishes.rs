//! What we ask of the other end of a stream, as PipeWire writes such things down: pixels of four bytes, in memory.

use std::io::Cursor;

use media_core::frame::Size;
use pipewire::spa::buffer::DataType;
use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use pipewire::spa::param::video::VideoFormat;
use pipewire::spa::pod::serialize::PodSerializer;
use pipewire::spa::pod::{ChoiceValue, Object, Pod, Property, Value, object, property};
use pipewire::spa::sys;
use pipewire::spa::utils::{Choice, ChoiceEnum, ChoiceFlags, Fraction, Id, Rectangle, SpaTypes};
use pipewire::stream::Stream;

fn written(object: Object) -> Option<Vec<u8>> {
    PodSerializer::serialize(Cursor::new(Vec::new()), &Value::Object(object)).ok().map(|(done, _)| done.into_inner())
}

/// Which pictures we can read. No modifier is named: that is what DMA-BUF would need.
pub(super) fn formats() -> Option<Vec<u8>> {
    let most = Rectangle { width: Size::MAX_SIDE, height: Size::MAX_SIDE };
    written(object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        property!(FormatProperties::MediaType, Id, MediaType::Video),
        property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        property!(
            FormatProperties::VideoFormat,
            Choice,
            Enum,
            Id,
            VideoFormat::BGRx,
            VideoFormat::BGRx,
            VideoFormat::BGRA,
            VideoFormat::RGBx,
            VideoFormat::RGBA
        ),
        property!(
            FormatProperties::VideoSize,
            Choice,
            Range,
            Rectangle,
            Rectangle { width: 1920, height: 1080 },
            Rectangle { width: 2, height: 2 },
            most
        ),
        property!(
            FormatProperties::VideoFramerate,
            Choice,
            Range,
            Fraction,
            Fraction { num: 30, denom: 1 },
            Fraction { num: 0, denom: 1 },
            Fraction { num: 1000, denom: 1 }
        ),
    ))
}

/// Which buffers: memory, and the part of them that counts. `false`: it could not be told.
pub(super) fn tell_buffers(stream: &Stream) -> bool {
    let memory = 1 << DataType::MemFd.as_raw() | 1 << DataType::MemPtr.as_raw();
    let kinds = Choice(ChoiceFlags::empty(), ChoiceEnum::Flags { default: memory, flags: Vec::new() });
    let buffers = Object {
        type_: SpaTypes::ObjectParamBuffers.as_raw(),
        id: ParamType::Buffers.as_raw(),
        properties: vec![Property::new(sys::SPA_PARAM_BUFFERS_dataType, Value::Choice(ChoiceValue::Int(kinds)))],
    };
    let Ok(region) = i32::try_from(size_of::<sys::spa_meta_region>()) else { return false };
    let crop = Object {
        type_: SpaTypes::ObjectParamMeta.as_raw(),
        id: ParamType::Meta.as_raw(),
        properties: vec![
            Property::new(sys::SPA_PARAM_META_type, Value::Id(Id(sys::SPA_META_VideoCrop))),
            Property::new(sys::SPA_PARAM_META_size, Value::Int(region)),
        ],
    };
    let (Some(buffers), Some(crop)) = (written(buffers), written(crop)) else { return false };
    match (Pod::from_bytes(&buffers), Pod::from_bytes(&crop)) {
        (Some(buffers), Some(crop)) => stream.update_params(&mut [buffers, crop]).is_ok(),
        _ => false,
    }
}
