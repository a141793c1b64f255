// A guest in AssemblyScript without an SDK. Its plan has a note that says what its collector, its
// formatting and its static data came to.
@external("bpfhost_v1", "self") declare function self_(): i32;
@external("bpfhost_v1", "plan_note") declare function planNote(h: u32, severity: u32, text: usize, len: u32): i32;

let calls = 0;

export function bpfhost_abi(): i32 { return 0x10000; }

export function bpfhost_describe(): i32 {
  calls++;
  return 0;
}

export function bpfhost_plan(): i32 {
  calls++;
  const squares = new Map<i32, i32>();
  for (let i = 0; i < calls + 2; i++) squares.set(i, i * i);
  const text = String.UTF8.encode("AssemblyScript: call " + calls.toString() + ", " + squares.values().toString());
  return planNote(<u32>self_(), 0, changetype<usize>(text), <u32>text.byteLength);
}
