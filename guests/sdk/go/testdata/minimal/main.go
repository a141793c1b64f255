// Minimal is a guest that calls most of the SDK, for tests of what the SDK leaves in a module.
package main

import sdk "github.com/bpfhost/bpfhost/guests/sdk/go"

func init() {
	sdk.Register(sdk.Plugin{Describe: describe, Plan: plan, Started: started, Events: events})
}

func main() {}

func describe() error {
	return sdk.Describe(sdk.About{
		Name: "minimal", Version: "1.0.0", Doc: "Counts packets.",
		Params:   []sdk.ParamInfo{{Name: "interface", Doc: "Where to attach.", Required: true}},
		Requests: []string{"program xdp", "map hash", "attach xdp:*"},
		Sections: []sdk.SectionInfo{{Name: "guard+", Type: sdk.ProgLSM, AttachType: sdk.AtLSMMAC, Flags: 16}},
	})
}

func plan() error {
	o, err := sdk.NewObject("minimal")
	if err != nil {
		return err
	}
	if err := o.SetLicense("GPL"); err != nil {
		return err
	}
	if _, err := o.AddMap("counts", sdk.MapInfo{Type: sdk.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 16}); err != nil {
		return err
	}
	p, err := o.AddProgram("pass", sdk.ProgXDP)
	if err != nil {
		return err
	}
	if _, err := p.Splice(0, 0, []sdk.Insn{{Op: 0xb7, Imm: 2}, {Op: 0x95}}); err != nil {
		return err
	}
	dev, _ := sdk.Config("interface")
	_, err = p.Attach(sdk.AttachXDP, dev)
	return err
}

func started() error {
	_, err := sdk.OpenSource("events", sdk.SourceOptions{})
	return err
}

func events(b sdk.Batch) error {
	var line []byte
	for e := range b.All {
		line = sdk.AppendJSON(line, string(e.Data))
		line = append(line, '\n')
	}
	_, err := sdk.StreamOut.Write(line)
	return err
}
