package copies

// SchemaPath is where the schema of the file is published.
const SchemaPath = "/schemas/copy-1.json"

// types are the JSON types of fields. What is not known is null.
var types = map[string]map[string]any{
	"text":   {"type": []string{"string", "null"}},
	"number": {"type": []string{"integer", "null"}},
	"yes":    {"type": []string{"boolean", "null"}},
	"time":   {"type": []string{"string", "null"}, "format": "date-time"},
	"date":   {"type": []string{"string", "null"}, "format": "date"},
	"list":   {"type": []string{"array", "null"}},
	"object": {"type": []string{"object", "array", "null"}},
}

// Schema is the JSON Schema (2020-12) of the file. It is made from the sections,
// as the file is: neither can say something else.
func Schema() map[string]any {
	sections := map[string]any{}
	var codes []string
	for _, s := range Sections() {
		properties := map[string]any{}
		var names []string
		for _, f := range s.Fields {
			properties[f.Name] = types[f.Type]
			names = append(names, f.Name)
		}
		codes = append(codes, s.Code)
		sections[s.Code] = map[string]any{"type": "array", "items": map[string]any{
			"type": "object", "properties": properties, "required": names, "additionalProperties": false,
		}}
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "What a social registry knows about one person",
		"type":    "object",
		"properties": map[string]any{
			"version": map[string]any{"const": Version}, "$schema": map[string]any{"type": "string"}, "made_at": map[string]any{"type": "string", "format": "date-time"},
			"sections": map[string]any{"type": "object", "properties": sections, "required": codes, "additionalProperties": false},
		},
		"required": []string{"version", "made_at", "sections"}, "additionalProperties": false,
	}
}
