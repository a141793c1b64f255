package btf

// LineInfo says which line of source an instruction was made from (struct bpf_line_info,
// include/uapi/linux/bpf.h). Objects have very many: those that were read find their texts in the
// strings of their types when they are asked for.
type LineInfo struct {
	Line uint32 // counted from 1
	Col  uint32 // counted from 1; 0 is unknown

	file, text uint32     // offsets in the strings of types
	texts      *lineTexts // nil without texts
}

// lineTexts has the texts of lines: of many in the strings of types, or of one.
type lineTexts struct {
	types      *Types // nil is none
	file, text string
}

// NewLineInfo returns a line of a file, with the text of the line itself.
func NewLineInfo(file, text string, line, col uint32) *LineInfo {
	l := &LineInfo{Line: line, Col: col}
	if file != "" || text != "" {
		l.texts = &lineTexts{file: file, text: text}
	}
	return l
}

// File returns the name of the file.
func (l *LineInfo) File() string {
	switch {
	case l.texts == nil:
		return ""
	case l.texts.types == nil:
		return l.texts.file
	}
	return l.texts.types.str(l.file)
}

// Text returns the line of source itself.
func (l *LineInfo) Text() string {
	switch {
	case l.texts == nil:
		return ""
	case l.texts.types == nil:
		return l.texts.text
	}
	return l.texts.types.str(l.text)
}

// Equal reports whether both are the same place with the same texts, wherever these are kept.
func (l LineInfo) Equal(other LineInfo) bool {
	if l.Line != other.Line || l.Col != other.Col {
		return false
	}
	if l.texts == other.texts && l.file == other.file && l.text == other.text {
		return true
	}
	return l.File() == other.File() && l.Text() == other.Text()
}
