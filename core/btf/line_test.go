package btf

import "testing"

func TestLine(t *testing.T) {
	types := fixture(t)
	ext, err := ParseExt(fixtureBytes(t, "kinds.btfext"), types)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range ext.Sections {
		for i := range s.Lines {
			l := &s.Lines[i].LineInfo
			same := NewLineInfo(l.File(), l.Text(), l.Line, l.Col)
			if l.File() == "" || l.Text() == "" || !l.Equal(*same) || !same.Equal(*l) || !l.Equal(*l) {
				t.Errorf("line %q %q is not itself", l.File(), l.Text())
			}
			for what, other := range map[string]*LineInfo{
				"file": NewLineInfo("x", l.Text(), l.Line, l.Col), "text": NewLineInfo(l.File(), "x", l.Line, l.Col),
				"line": NewLineInfo(l.File(), l.Text(), l.Line+1, l.Col), "column": NewLineInfo(l.File(), l.Text(), l.Line, l.Col+1), "texts": {Line: l.Line, Col: l.Col},
			} {
				if l.Equal(*other) || other.Equal(*l) {
					t.Errorf("other %s, and yet equal", what)
				}
			}
			n++
		}
	}
	if n < 5 {
		t.Errorf("%d lines", n)
	}
	if l := NewLineInfo("", "", 3, 0); *l != (LineInfo{Line: 3}) || l.File() != "" || l.Text() != "" || !l.Equal(LineInfo{Line: 3}) {
		t.Errorf("a line without texts is %+v", l)
	}
}
