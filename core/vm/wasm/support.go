package wasm

import "fmt"

// ownedFunc returns the function owned(addr, n i64, write i32) → i32: whether bytes belong to objects. A packet
// may begin and end anywhere, which the shadow cannot say.
func (t *translator) ownedFunc() uint32 {
	return t.helper("owned", typeOwned, func(c *code) []locals {
		// 3 the address left, 4 bytes left, 5 granules, 6 bytes of this granule before, 7 and from here
		// on, 8 shadow, 9 its byte
		c.text(fmt.Sprintf(`
			local.get 0 local.set 3
			local.get 1 local.set 4
			i32.const 0 i64.load %d local.set 5
			i32.const 0 i32.load %d local.set 8
			block
			 loop
			  local.get 4 i64.eqz if i32.const 1 return end
			  local.get 3 i64.const 3 i64.shr_u local.get 5 i64.ge_u br_if 1
			  local.get 3 i64.const 3 i64.shr_u i32.wrap_i64 local.get 8 i32.add i32.load8_u 0 local.set 9
			  local.get 3 i64.const 7 i64.and local.set 6
			  i64.const 8 local.get 6 i64.sub local.tee 7
			  local.get 4 i64.gt_u if local.get 4 local.set 7 end
			  local.get 2 if local.get 9 i32.const %d i32.ge_u br_if 2 end
			  local.get 9 i32.const %d i32.and local.get 6 local.get 7 i64.add i32.wrap_i64 i32.lt_u br_if 1
			  local.get 3 local.get 7 i64.add local.set 3
			  local.get 4 local.get 7 i64.sub local.set 4
			  br 0
			 end
			end
			local.get 0 i32.const 0 i64.load %d i64.ge_u
			local.get 0 i32.const 0 i64.load %d i64.lt_u i32.and
			local.get 1 i32.const 0 i64.load %d local.get 0 i64.sub i64.le_u i32.and`,
			StateGranules, StateShadow, shadowReadOnly, shadowCount, StatePacketMeta, StatePacketEnd, StatePacketEnd))
		return []locals{{5, typeI64}, {2, typeI32}}
	})
}

// accessFunc returns the function access(pc i32, addr, n i64, write i32) → i32, which asks the host where bytes do
// not belong to objects.
func (t *translator) accessFunc() uint32 {
	owned := t.ownedFunc()
	return t.helper("access", typeAccess, func(c *code) []locals {
		// 4 the number of the shadow byte, 5 that byte, 6 how many bytes around addr have to be an object's
		c.text(fmt.Sprintf(`
			local.get 1 i64.const 3 i64.shr_u local.tee 4 i32.const 0 i64.load %d i64.lt_u
			if
			 local.get 4 i32.wrap_i64 i32.const 0 i32.load %d i32.add i32.load8_u 0 local.set 5
			 local.get 1 i64.const 7 i64.and local.get 2 i64.add i32.wrap_i64 local.set 6
			 local.get 5 local.get 6 i32.sub i32.const %d i32.le_u if i32.const 0 return end
			 local.get 3 i32.eqz local.get 5 i32.const %d i32.and local.get 6 i32.ge_u i32.and if i32.const 0 return end
			end
			local.get 1 local.get 2 local.get 3 call %d
			if i32.const 0 return end
			local.get 0 i32.const %d i64.const 0 local.get 1 local.get 2 i64.const 0 i64.const 0 i64.const 0 call %d
			i32.wrap_i64`, StateGranules, StateShadow, shadowFull, shadowCount, owned, HostAccess, hostIndex))
		return []locals{{1, typeI64}, {2, typeI32}}
	})
}

// hashFunc returns the function lookup(key i64) → i64 of a hash map: the address of the value, or 0.
func (t *translator) hashFunc(m *Map) uint32 {
	return t.helper(fmt.Sprintf("hash %d", m.Handle), typeNumber, func(c *code) []locals {
		c.mix(m.KeySize) // the hash of the key at 0 in 1, as vm.mix
		c.get(1)
		c.i64(int64(m.Mask))
		c.text("i64.and i64.const 2 i64.shl i32.wrap_i64")
		c.mem(opI32Load, uint32(m.Data))
		c.text("local.set 2 block loop local.get 2 i32.eqz br_if 1 block")
		at := uint64(0)
		for _, w := range []struct {
			size uint64
			op   opcode
		}{{8, opI64Load}, {4, opI64Load32U}, {2, opI64Load16U}, {1, opI64Load8U}} {
			for ; m.KeySize-at >= w.size; at += w.size {
				c.text("local.get 2")
				c.mem(w.op, uint32(at))
				c.text("local.get 0 i32.wrap_i64")
				c.mem(w.op, uint32(at))
				c.text("i64.ne br_if 0")
			}
		}
		c.text("local.get 2 i64.extend_i32_u")
		if m.PerCPU != 0 {
			c.text("i32.const 0")
			c.mem(opI64Load, StateCPU)
			c.i64(int64(m.PerCPU))
			c.text("i64.mul i64.add")
		}
		c.i64(int64(m.Value))
		c.text("i64.add return end local.get 2")
		c.mem(opI32Load, uint32(m.Next))
		c.text("local.set 2 br 0 end end i64.const 0")
		return []locals{{1, typeI64}, {1, typeI32}}
	})
}

// mix computes the hash of the n bytes at local 0 in local 1 (mix, core/vm/hash.go).
func (c *code) mix(n uint64) {
	const prime = -0x61c8864680b583eb // 0x9e3779b97f4a7c15
	c.i64(int64(n + 1))
	c.i64(prime)
	c.text("i64.mul local.set 1")
	step := func(o opcode, at uint64) {
		c.text("local.get 1 i64.const 29 i64.rotl local.get 0 i32.wrap_i64")
		c.mem(o, uint32(at))
		c.op(opI64Xor)
		c.i64(prime)
		c.text("i64.mul local.set 1")
	}
	at := uint64(0)
	for ; n-at >= 8; at += 8 {
		step(opI64Load, at)
	}
	for ; at < n; at++ {
		step(opI64Load8U, at)
	}
	c.text("local.get 1 local.get 1 i64.const 32 i64.shr_u i64.xor local.set 1")
}

// Bits of the length in the header of a record of a ring, before it (core/vm/ring.go).
const (
	ringBusy    = 1 << 31
	ringDiscard = 1 << 30
	ringHeader  = 8
)

// reserveFunc returns the function reserve(n i64) → i64 of a ring: the address of a new record, or 0.
func (t *translator) reserveFunc(m *Map) uint32 {
	return t.helper(fmt.Sprintf("reserve %d", m.Handle), typeNumber, func(c *code) []locals {
		// 1 space, 2 producer, 3 address, 4 shadow byte
		c.text(fmt.Sprintf(`
			local.get 0 i64.const %d i64.gt_u if i64.const 0 return end
			local.get 0 i64.const %d i64.add i64.const -8 i64.and local.tee 1
			i64.const %d i64.gt_u if i64.const 0 return end
			i32.const 0 i64.load %d local.tee 2
			local.get 1 i64.add i32.const 0 i64.load %d i64.sub i64.const %d i64.gt_u if i64.const 0 return end
			i32.const 0 local.get 2 local.get 1 i64.add i64.store %d
			local.get 2 i64.const %d i64.and local.tee 2
			i64.const %d i64.add local.tee 3
			i32.wrap_i64 local.get 0 i64.const %d i64.or i64.store32 0
			local.get 3 i32.wrap_i64 local.get 2 i64.const 12 i64.shr_u i64.store32 4
			local.get 3 i64.const %d i64.add local.tee 3
			i64.const 3 i64.shr_u i32.wrap_i64 i32.const 0 i32.load %d i32.add local.set 4
			local.get 0 local.set 1
			block loop
			 local.get 1 i64.const 8 i64.lt_u br_if 1
			 local.get 4 i32.const 8 i32.store8 0
			 local.get 4 i32.const 1 i32.add local.set 4
			 local.get 1 i64.const 8 i64.sub local.set 1
			 br 0
			end end
			local.get 1 i64.eqz i32.eqz if local.get 4 local.get 1 i64.store8 0 end
			local.get 3`,
			1<<30-1, ringHeader+7, m.Mask+1, m.Positions+8, m.Positions, m.Mask, m.Positions+8, m.Mask,
			m.Data, ringBusy, ringHeader, StateShadow))
		return []locals{{3, typeI64}, {1, typeI32}}
	})
}

// releaseFunc returns the function release(record i64) → i64 that submits or discards a record of any ring:
// whether there was one.
func (t *translator) releaseFunc(discard bool) uint32 {
	return t.helper(fmt.Sprint("release ", discard), typeNumber, func(c *code) []locals {
		// 1 position, 2 length, 3 address, 4 shadow byte
		flag := 0
		if discard {
			flag = ringDiscard
		}
		c.text("local.get 0 i64.const 7 i64.and i64.eqz i32.eqz if i64.const 0 return end")
		for _, m := range t.p.Maps {
			if m.Kind != MapRing {
				continue
			}
			c.text(fmt.Sprintf(`
				local.get 0 i64.const %d i64.sub local.tee 1 i64.const %d i64.le_u if
				 local.get 0 i32.wrap_i64 i32.const %d i32.sub local.tee 3
				 i64.load32_u 0 local.tee 2 i64.const %d i64.and i64.eqz if i64.const 0 return end
				 local.get 3 i64.load32_u 4 local.get 1 i64.const 12 i64.shr_u i64.ne if i64.const 0 return end
				 local.get 3 local.get 2 i64.const %d i64.and i64.const %d i64.or local.tee 2 i64.store32 0
				 local.get 0 i64.const 3 i64.shr_u i32.wrap_i64 i32.const 0 i32.load %d i32.add local.set 4
				 local.get 2 i64.const %d i64.and i64.const 7 i64.add i64.const 3 i64.shr_u local.set 2
				 block loop
				  local.get 2 i64.eqz br_if 1
				  local.get 4 i32.const 0 i32.store8 0
				  local.get 4 i32.const 1 i32.add local.set 4
				  local.get 2 i64.const 1 i64.sub local.set 2
				  br 0
				 end end
				 i64.const 1 return
				end`,
				m.Data+ringHeader, m.Mask, ringHeader, ringBusy, uint32(^uint32(ringBusy)), flag, StateShadow, ringDiscard-1))
		}
		c.text("i64.const 0")
		return []locals{{2, typeI64}, {2, typeI32}}
	})
}

// callbackFunc returns the function callback(addr i64) → i32: the number of a function in the table of callbacks,
// or -1.
func (t *translator) callbackFunc() uint32 {
	return t.helper("callback", typeIndex, func(c *code) []locals {
		for i, f := range t.callbacks {
			c.get(0)
			c.i64(int64(t.p.Code | (t.p.Start + uint64(t.g.Funcs[f].Start))))
			c.text(fmt.Sprintf("i64.eq if i32.const %d return end", i))
		}
		c.i32(-1)
		return nil
	})
}
