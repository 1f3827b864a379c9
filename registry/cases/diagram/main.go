// Command diagram prints docs/case-states.md: the life of a case, from the code.
package main

import (
	"fmt"

	"daftar/registry/cases"
)

func main() { fmt.Print(cases.Diagram()) }
