package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/quote"
)

func newPolicyExplain(a app) *cobra.Command {
	r := request{output: newChoice("table", "json")}
	c := &cobra.Command{
		Use:   "explain PLUGIN.wasm|FILE.o [flags] [-- plugin arguments]",
		Short: "Show which rule of a policy allows or denies each part of a plan",
		Long: `explain has a plugin, or an object alone, plan and shows everything that the policy decides on, what is denied first: the line of the
policy, what is accessed and where, and the rule with its reason. It ends with exit code 11 when something is
denied. The kernel is not touched and no privilege is needed.`,
		Example: `  bpfhost policy explain guard.wasm --object drops.o --set iface=eth0 --policy strict.yaml`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := r.take(c, args); err != nil {
				return err
			}
			s, err := r.open(c.Context(), a)
			if err != nil {
				return err
			}
			defer s.close()
			p, err := s.plugin.Plan(c.Context())
			if p == nil {
				return err
			}
			werr := error(nil)
			if r.output.value == "json" {
				werr = writeJSON(a.out, newExplanation(p))
			} else {
				werr = explain(a.out, p)
			}
			if err == nil {
				err = werr
			}
			return err
		},
	}
	r.inputFlags(c)
	r.policyFlag(c)
	a.dataFlag(c)
	r.guestFlags(c)
	c.Flags().VarP(&r.output, "output", "o", "how to print it")
	return c
}

// explanation is what the policy says to a plan, as a document. Its decisions are those of the plan's.
type explanation struct {
	Schema    string            `json:"schema"`
	Plugin    plan.Info         `json:"plugin"`
	Policy    string            `json:"policy"`
	Allowed   bool              `json:"allowed"`
	Decisions []policy.Decision `json:"decisions"`
	Notes     []string          `json:"policy_notes,omitempty"`
}

func newExplanation(p *plan.Plan) explanation {
	return explanation{
		"bpfhost.explanation/v1", p.Plugin, p.Policy, p.Denied() == nil, append([]policy.Decision{}, p.Decisions...), p.PolicyNotes,
	}
}

// lineWidth is how many columns explanations take at most.
const lineWidth = 80

// explain writes the decisions of a plan for people.
func explain(w io.Writer, p *plan.Plan) error {
	var denied, allowed [][]string
	for _, v := range p.Decisions {
		row := []string{"allowed", "", access(v), v.Rule}
		if v.Line > 0 {
			row[1] = fmt.Sprint(v.Line)
		}
		if v.Reason != "" {
			row[3] += ": " + v.Reason
		}
		if v.Reach != "" {
			row[3] += "; it " + v.Reach.Text()
		}
		if v.Allowed {
			allowed = append(allowed, row)
			continue
		}
		row[0] = "denied"
		denied = append(denied, row)
	}
	var b strings.Builder
	verdict := fmt.Sprintf("allows the plan of plugin %s", p.Plugin.Name)
	if n := len(denied); n > 0 {
		verdict = fmt.Sprintf("denies %d of the %d accesses of plugin %s", n, n+len(allowed), p.Plugin.Name)
	}
	fmt.Fprintf(&b, "%s\n\n", strings.Join(wrap(quote.Text(p.Policy+" "+verdict+"."), lineWidth), "\n"))
	writeRows(&b, append(append([][]string{{"DECISION", "LINE", "ACCESS", "RULE"}}, denied...), allowed...))
	for _, n := range p.PolicyNotes {
		fmt.Fprintf(&b, "%s\n", strings.Join(wrap("note: "+quote.Text(n), lineWidth), "\n"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// access is what was evaluated, with the line of source and its place.
func access(v policy.Decision) string {
	place := strings.LastIndex(v.Access, " (")
	if v.Source == "" || place < 0 {
		return v.Access
	}
	return v.Access[:place] + " (" + v.Source + ", " + v.Access[place+2:]
}

// writeRows writes rows of four cells within lineWidth: the last two are wrapped where they are too
// long, and share what the others leave.
func writeRows(b *strings.Builder, rows [][]string) {
	var width [4]int
	for _, row := range rows {
		for i := range row {
			row[i] = quote.Text(row[i])
			width[i] = max(width[i], utf8.RuneCountInString(row[i]))
		}
	}
	room := lineWidth - width[0] - width[1] - 3*len("  ")
	switch half := room / 2; {
	case width[2]+width[3] <= room:
	case width[2] <= half:
		width[3] = room - width[2]
	case width[3] <= half:
		width[2] = room - width[3]
	default:
		width[2], width[3] = room-half, half
	}
	for _, row := range rows {
		left, right := wrap(row[2], width[2]), wrap(row[3], width[3])
		for i := range max(len(left), len(right)) {
			cells := [4]string{}
			if i == 0 {
				cells[0], cells[1] = row[0], row[1]
			}
			if i < len(left) {
				cells[2] = left[i]
			}
			if i < len(right) {
				cells[3] = right[i]
			}
			line := fmt.Sprintf("%-*s  %*s  %-*s  %s", width[0], cells[0], width[1], cells[1], width[2], cells[2], cells[3])
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
}

// wrap breaks text into lines of a width, between words where that is possible.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for utf8.RuneCountInString(word) > width {
			r := []rune(word)
			lines = append(lines, string(r[:width]))
			word = string(r[width:])
		}
		line = word
	}
	return append(lines, line)
}
