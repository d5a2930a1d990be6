package mamquery

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"kith/internal/ns"
	"kith/internal/stanza"
)

// FieldSearch is the field of a query for what messages say (XEP-0431 section 2.1).
const FieldSearch = "{" + ns.FullText + "}fulltext"

const (
	// maxSearch and maxTerms bound what can be looked for.
	maxSearch = 512
	maxTerms  = 16
)

// Search is what somebody looks for: every term has to be in a message, at the beginning of a word, in
// whatever case and with or without accents. In scripts that do not set words apart it may be anywhere.
type Search []string

// ReadSearch reads what somebody has written into a field to search; nil for nothing.
func ReadSearch(text string) (Search, error) {
	if len(text) > maxSearch {
		return nil, stanza.Refuse(stanza.NotAcceptable, "This is too long to be looked for.")
	}
	terms := strings.Fields(fold(text))
	if len(terms) > maxTerms {
		return nil, stanza.Refuse(stanza.NotAcceptable, "These are too many words to be looked for.")
	}
	if len(terms) == 0 {
		return nil, nil
	}
	return terms, nil
}

// Finds reports whether the texts of one message have every term in them.
func (s Search) Finds(texts []string) bool {
	if len(texts) == 0 {
		return false
	}
	folded := make([]string, len(texts))
	for i, t := range texts {
		folded[i] = fold(t)
	}
	for _, term := range s {
		found := false
		for _, t := range folded {
			if found = begins(t, term); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// begins reports whether term is in text where a word begins.
func begins(text, term string) bool {
	first, _ := utf8.DecodeRuneInString(term)
	free := !isWord(first) || unicode.In(first, unspaced...)
	for at := 0; ; {
		i := strings.Index(text[at:], term)
		if i < 0 {
			return false
		}
		at += i
		if free || at == 0 {
			return true
		}
		if before, _ := utf8.DecodeLastRuneInString(text[:at]); !isWord(before) {
			return true
		}
		at += utf8.RuneLen(first)
	}
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// unspaced are the scripts that do not set words apart.
var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

// fold is a text without what one does not mind when one looks for something.
func fold(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(strings.ToValidUTF8(s, "\uFFFD")))
	return cases.Fold().String(s)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
