package i18n

import "testing"

func TestLatinScript(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": true, "Rosa Delgado-Peña": true, "N’Golo O'Brien 2": true, "Nguyễn Thị": true, "Ðorðe ʻAli ʿAbd": true,
		"روزا": false, "Rosa روزا": false, "አማኑኤል": false, "Роза": false,
	} {
		if LatinScript(text) != want {
			t.Errorf("%q", text)
		}
	}
}
