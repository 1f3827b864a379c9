package cases

import (
	"fmt"
	"slices"
	"strings"
)

// Diagram is the life of a case as a page of documentation: a picture and a
// table, made of the transitions themselves.
func Diagram() string {
	var b strings.Builder
	b.WriteString(`# The life of a case

Made from ` + "`registry/cases/state.go`" + ` by ` + "`go run ./registry/cases/diagram`" + `; ` + "`make check`" + ` says when it is out of date.

` + "```mermaid" + `
stateDiagram-v2
    [*] --> draft
`)
	type arrow struct{ from, to State }
	var order []arrow
	labels := map[arrow][]string{}
	for _, t := range transitions {
		if t.From == Any {
			continue
		}
		a := arrow{t.From, t.To}
		if labels[a] == nil {
			order = append(order, a)
		}
		label := string(t.Action)
		if t.Hands != nil {
			label += " (" + officials(t.Hands) + ")"
		}
		labels[a] = append(labels[a], label)
	}
	for _, a := range order {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", a.from, a.to, strings.Join(labels[a], ", "))
	}
	for _, s := range States() {
		if s.Closed() {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	b.WriteString("```" + `

A number in brackets says how many officials the case takes: with one, somebody decides; with two, somebody checks and
somebody else decides; with three, two decide one after the other.

| from | step | to | whose | permission at the desk | officials |
|---|---|---|---|---|---|
`)
	for _, t := range transitions {
		from, to := string(t.From), string(t.To)
		if t.From == Any {
			from, to = "any", "stays"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", from, t.Action, to, t.By, t.Step, officials(t.Hands))
	}
	b.WriteString(`
Besides, whoever asked for a case, took it at the counter or answered for it neither checks nor decides it; whoever
checked it does not decide it; whoever endorsed it does not approve it; whoever touched a decision does not hear its
appeal. An officer takes the applicant's steps at the counter, for somebody who is present. The clock stops twice at
most.
`)
	return b.String()
}

func officials(hands []int) string {
	var list []string
	for _, n := range slices.Sorted(slices.Values(hands)) {
		list = append(list, fmt.Sprint(n))
	}
	return strings.Join(list, ", ")
}
