// A guest in Rust with its standard library and without an SDK. Its plan has a note that says what its
// allocator, its formatting and its static data came to.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

#[link(wasm_import_module = "bpfhost_v1")]
extern "C" {
    #[link_name = "self"]
    fn this() -> i32;
    fn plan_note(h: u32, severity: u32, text: *const u8, len: u32) -> i32;
}

static CALLS: AtomicU32 = AtomicU32::new(0);

#[no_mangle]
pub extern "C" fn bpfhost_abi() -> i32 {
    0x10000
}

#[no_mangle]
pub extern "C" fn bpfhost_describe() -> i32 {
    CALLS.fetch_add(1, Ordering::Relaxed);
    0
}

#[no_mangle]
pub extern "C" fn bpfhost_plan() -> i32 {
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    let squares: BTreeMap<u32, u32> = (0..calls + 2).map(|i| (i, i * i)).collect();
    let text = format!("Rust: call {}, {:?}", calls, squares);
    unsafe { plan_note(this() as u32, 0, text.as_ptr(), text.len() as u32) }
}
