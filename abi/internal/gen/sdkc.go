package main

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
)

const cPrologue = `/* SPDX-License-Identifier: Apache-2.0 */
/* %s */

/*
 * The guest ABI of bpfhost for C and C++: freestanding, header only, wasm32.
 * docs/abi.md is the reference, bpfhost_util.h has helpers, README.md beside this file the compiler flags.
 *
 * Every function returns 0 or above, or -BPFHOST_E_…. A hook is exported by defining it.
 */
#ifndef BPFHOST_H
#define BPFHOST_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define BPFHOST_ASSERT(x) static_assert(x, #x)
#else
#define BPFHOST_ASSERT(x) _Static_assert(x, #x)
#endif

#define BPFHOST_IMPORT(name) __attribute__((import_module("%s"), import_name(#name)))
#define BPFHOST_EXPORT(name) __attribute__((export_name(#name)))

#define BPFHOST_ABI 0x%xu /* major<<16 | minor */
#define BPFHOST_ABI_MARKER "%s"

/* The version this guest is built for, and the definition, for inspectors of the module. */
__attribute__((weak)) BPFHOST_EXPORT(bpfhost_abi) int32_t bpfhost_abi(void) { return (int32_t)BPFHOST_ABI; }
#ifdef __wasm__
/* Constructors of global objects run once, when the plugin starts. Without this, the linker has every
 * hook run them again, and global objects lose what they hold. */
void __wasm_call_ctors(void);
__attribute__((weak)) BPFHOST_EXPORT(_initialize) void _initialize(void) { __wasm_call_ctors(); }
__asm__(".section .custom_section.bpfhost.abi,\"\",@\n"
	".ascii \"" BPFHOST_ABI_MARKER "\"\n"
	".text\n");
#endif

/* A handle; 0 is none. */
typedef uint32_t bpfhost_h;
`

// cTypes are the types of record fields.
var cTypes = map[string]string{
	"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t",
	"i16": "int16_t", "i32": "int32_t", "i64": "int64_t",
}

// cHeader makes the C SDK's header.
func cHeader() ([]byte, error) {
	var g page
	fmt.Fprintf(&g, cPrologue, header, abi.Module, uint32(abi.Current), abi.Marker())
	for _, e := range abi.Enums() {
		cEnum(&g, e)
	}
	g.p("\n/* Properties: kind<<8 | number within the kind. */\nenum bpfhost_prop {")
	for _, p := range abi.Properties() {
		g.p("\tBPFHOST_P_%s = 0x%04x, /* %s */", strings.ToUpper(p.FullName()), uint32(p.ID()), p.Doc)
	}
	g.p("};")
	for _, r := range abi.Records() {
		cRecord(&g, r)
	}
	for _, f := range abi.Funcs() {
		g.p("")
		cComment(&g, f.Doc+" Result: "+f.Result+". Phases: "+f.Phases.String()+".")
		g.p("BPFHOST_IMPORT(%s)\nint32_t bpfhost_%s(%s);", f.Name, f.Name, cParams(f.Params))
	}
	g.p("\n/* Hooks. Define those that the plugin has. */")
	for _, h := range abi.Hooks() {
		if h.Required { // defined above
			continue
		}
		g.p("")
		cComment(&g, h.Doc)
		g.p("BPFHOST_EXPORT(%s) int32_t %s(%s);", h.Name, h.Name, cHookParams(h.Params))
	}
	g.p("\n/* Properties by name. */")
	for _, p := range abi.Properties() {
		cProperty(&g, p)
	}
	g.p("\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* BPFHOST_H */")
	return g.Bytes(), nil
}

// cComment writes text as a block comment.
func cComment(g *page, text string) {
	g.p("/*")
	g.comment(" *", text)
	g.p(" */")
}

func cEnum(g *page, e abi.Enum) {
	g.p("\n/* %s */\nenum bpfhost_%s {", e.Doc, e.Name)
	var large []abi.Value
	for _, v := range e.Values {
		if v.Num > 1<<31-1 { // not an int
			large = append(large, v)
			continue
		}
		g.p("\t%s = %s, /* %s */", cValue(e, v), cNumber(e, v), v.Doc)
	}
	if len(large) == len(e.Values) {
		g.Truncate(strings.LastIndex(g.String(), "enum "))
	} else {
		g.p("};")
	}
	for _, v := range large {
		g.p("#define %s %su /* %s */", cValue(e, v), cNumber(e, v), v.Doc)
	}
}

func cValue(e abi.Enum, v abi.Value) string {
	return "BPFHOST_" + e.C + "_" + strings.ToUpper(v.Name)
}

func cNumber(e abi.Enum, v abi.Value) string {
	if e.Bits || v.Num >= 0x10000 {
		return fmt.Sprintf("%#x", v.Num)
	}
	return fmt.Sprint(v.Num)
}

func cRecord(g *page, r abi.Record) {
	g.p("")
	cComment(g, r.Doc)
	g.p("struct bpfhost_%s {", r.Name)
	for _, f := range r.Fields {
		g.p("\t%s %s; /* %s */", cTypes[f.Type], f.Name, f.Doc)
	}
	g.p("};")
	g.p("BPFHOST_ASSERT(sizeof(struct bpfhost_%s) == %d);", r.Name, r.Size)
	for _, f := range r.Fields {
		g.p("BPFHOST_ASSERT(__builtin_offsetof(struct bpfhost_%s, %s) == %d);", r.Name, f.Name, f.Offset)
	}
}

// cParams are the parameters of an import.
func cParams(params []abi.Param) string {
	var out []string
	for _, p := range params {
		n := p.Name
		switch p.Kind {
		case abi.Handle32:
			out = append(out, "bpfhost_h "+n)
		case abi.U32:
			out = append(out, "uint32_t "+n)
		case abi.U64:
			out = append(out, "uint64_t "+n)
		case abi.Name, abi.Text:
			out = append(out, "const char *"+n, "uint32_t "+n+"_len")
		case abi.Bytes:
			out = append(out, "const void *"+n, "uint32_t "+n+"_len")
		case abi.InRecord:
			out = append(out, "const struct bpfhost_"+p.Of+" *"+n, "uint32_t "+n+"_len")
		case abi.InArray:
			out = append(out, "const struct bpfhost_"+p.Of+" *"+n, "uint32_t "+n+"_num")
		case abi.OutArray:
			out = append(out, "struct bpfhost_"+p.Of+" *"+n, "uint32_t "+n+"_num")
		case abi.OutU64:
			out = append(out, "uint64_t *"+n)
		case abi.OutRecord:
			out = append(out, "struct bpfhost_"+p.Of+" *"+n, "uint32_t "+n+"_cap")
		case abi.Fill:
			out = append(out, "void *"+n, "uint32_t "+n+"_len")
		default:
			out = append(out, "void *"+n, "uint32_t "+n+"_cap")
		}
	}
	if out == nil {
		return "void"
	}
	return strings.Join(out, ", ")
}

// cHookParams are the parameters of a hook; addresses are pointers.
func cHookParams(params []abi.Param) string {
	return strings.Replace(cParams(params), "uint32_t ptr", "const void *ptr", 1)
}

func cProperty(g *page, p abi.Property) {
	full := p.FullName()
	id := "BPFHOST_P_" + strings.ToUpper(full)
	get, set := "b", "b"
	out, outArgs := "void *p, uint32_t cap", "p, cap"
	in, inArgs := "const void *p, uint32_t n", "p, n"
	if p.Type.Numeric() {
		get, out, outArgs = "u", "uint64_t *out", "out"
		set, in, inArgs = "u", "uint64_t v", "v"
	}
	g.p("")
	g.p("/* %s */", p.Doc)
	g.p("static inline int32_t bpfhost_get_%s(bpfhost_h h, %s) { return bpfhost_get_%s(h, %s, %s); }", full, out, get, id, outArgs)
	if p.Write != 0 {
		g.p("static inline int32_t bpfhost_set_%s(bpfhost_h h, %s) { return bpfhost_set_%s(h, %s, %s); }", full, in, set, id, inArgs)
	}
}
