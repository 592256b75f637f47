//! Camera and microphone while preparing: opened by Rust, closed again when this screen goes.

import { useEffect } from "react";
import { send } from "../../state/store";

/** Asks for the preview while `active`. */
export function usePreview(microphone: boolean, camera: boolean, active: boolean): void {
  useEffect(() => {
    if (active) void send("set_preview", { microphone, camera });
  }, [microphone, camera, active]);
  useEffect(() => {
    void send("refresh_devices", {});
    return () => {
      void send("set_preview", { microphone: false, camera: false });
    };
  }, []);
}
