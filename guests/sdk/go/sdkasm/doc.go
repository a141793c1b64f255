// Package sdkasm lets a plugin build and read instructions with core/asm. It brings in fmt and what
// else core/asm needs, about 0.7 MB; a plugin that minds uses assembly text (sdk.Program.Asm) or
// plain records.
package sdkasm
