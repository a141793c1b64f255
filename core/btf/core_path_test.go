package btf

import (
	"encoding/binary"
	"errors"
	"testing"
)

func TestCorePath(t *testing.T) {
	types := coreLocal(t, binary.LittleEndian)
	for _, tt := range []struct {
		typ, access string
		kind        CoreKind
		root, path  string
		text        string // of a fixup
	}{
		{"task___local", "0:0", CoreByteOffset, "struct task___local", "pid", "byte_off struct task___local.pid"},
		{"task___local", "0:3:0:1", CoreExists, "struct task___local", "word", "field_exists struct task___local.word"},
		{"task___local", "0:4:2:1", CoreByteSize, "struct task___local", "pairs[2].b", "byte_sz struct task___local.pairs[2].b"},
		{"task___local", "1:8:7", CoreByteOffset, "struct task___local", "[1].tail[7]", "byte_off struct task___local[1].tail[7]"},
		{"task___local", "0", CoreTypeSize, "struct task___local", "", "type_size struct task___local"},
		{"gone_t", "0", CoreTypeExists, "gone_t", "", "type_exists gone_t"},
		{"color", "1", CoreEnumvalValue, "enum color", "GREEN___old", "enumval_value enum color::GREEN___old"},
	} {
		ids := types.FindAll(tt.typ)
		r := CoreRelo{Type: ids[0], Access: tt.access, Kind: tt.kind}
		root, path, err := types.CorePath(r)
		if err != nil || root != tt.root || path != tt.path {
			t.Errorf("%s %s: %q, %q, %v", tt.typ, tt.access, root, path, err)
		}
		if text := (CoreResult{Relo: r, local: types}).Text(); text != tt.text {
			t.Errorf("%s %s: %q", tt.typ, tt.access, text)
		}
	}
	for want, r := range map[error]CoreRelo{
		ErrAccess: {Type: types.FindAll("inner")[0], Access: "0:9"}, ErrID: {Type: 9999, Access: "0"}, ErrCoreKind: {Kind: 99},
	} {
		if _, _, err := types.CorePath(r); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", r, err, want)
		}
	}
}
