// SPDX-License-Identifier: GPL-2.0 OR MIT
// What a program can ask, each time with all kinds of CO-RE relocation that there are for it.
#include "types.h"

// Elements of arrays have no shifts; pointers, structs and floats no sign.
#define ELEMENT(f) (__builtin_preserve_field_info(f, 0) + __builtin_preserve_field_info(f, 1) + \
	__builtin_preserve_field_info(f, 2))
#define PLACE(f) (ELEMENT(f) + __builtin_preserve_field_info(f, 4) + __builtin_preserve_field_info(f, 5))
#define FIELD(f) (PLACE(f) + __builtin_preserve_field_info(f, 3))
#define TYPE(t) (__builtin_btf_type_id(*(t *)0, 0) + __builtin_btf_type_id(*(t *)0, 1) + \
	__builtin_preserve_type_info(*(t *)0, 0) + __builtin_preserve_type_info(*(t *)0, 1) + \
	__builtin_preserve_type_info(*(t *)0, 2))
#define VALUE(e, v) (__builtin_preserve_enum_value(*(e *)v, 0) + __builtin_preserve_enum_value(*(e *)v, 1))
