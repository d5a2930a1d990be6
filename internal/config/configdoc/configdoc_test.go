package configdoc

import (
	"strings"
	"testing"
	"time"

	"kith/internal/config"
)

// sampleConfig is the section [sample] of the file. More about the section.
type sampleConfig struct {
	// Life is how long it is. It is less than
	// MaxLife.
	//
	// A second paragraph.
	Life time.Duration `toml:"life" flag:"life"`
	// Names that are taken.
	Names []string `toml:"names"`
	// MaxLife bounds both, life and the other.
	MaxLife string `toml:"max_life" example:"forever"`
	Shared  int    `toml:"shared"`
}

type bare struct {
	Life time.Duration `toml:"life"`
}

func TestDocumentationComesFromComments(t *testing.T) {
	target := sampleConfig{Life: time.Hour, Names: []string{"a"}}
	set := config.New("KITH", config.Section{Name: "sample", Target: &target})
	docs, err := Read(set, ".", "kith/internal/config/configdoc")
	if err != nil {
		t.Fatal(err)
	}
	file := File(set, docs, "The head.")
	want := `# The head.


# More about the section.
[sample]

# life is how long it is. It is less than max_life.
#
# A second paragraph.
#life = "1h"

# Names that are taken.
#names = ["a"]

# max_life bounds both, life and the other.
#max_life = "forever"
#shared = 0
`
	if file != want {
		t.Errorf("got:\n%s\nwant:\n%s", file, want)
	}
	// What was commented out is what the program does anyway.
	uncommented := strings.NewReplacer("\n#life", "\nlife", "\n#names", "\nnames").Replace(file)
	if err := set.Load(config.Input{FileName: "f", File: []byte(uncommented)}); err != nil {
		t.Error(err)
	}
	page := Markdown(set, docs, "# Options\n")
	for _, part := range []string{"## [sample]", "### `life`", "Default: `\"1h\"`. Environment: `KITH_SAMPLE_LIFE`. Flag: `--life`.", "\n\nA second paragraph."} {
		if !strings.Contains(page, part) {
			t.Errorf("no %q in:\n%s", part, page)
		}
	}

	if _, err := Read(config.New("KITH", config.Section{Target: &bare{}}), ".", "kith/internal/config/configdoc"); err == nil {
		t.Error("an option without a comment was accepted")
	}
}
