package xep_test

import (
	"strings"
	"testing"
	"time"

	"kith/internal/xmltree"
	"kith/server/module"
	"kith/server/xep"
)

func TestDataPolicy(t *testing.T) {
	for want, kept := range map[string][]time.Duration{
		"720": {30 * 24 * time.Hour, time.Hour}, "infinite": {time.Hour, 0}, "2": {90 * time.Minute},
	} {
		w := xmltree.NewWriter(256)
		for _, write := range module.NewRegistry(xep.DataPolicy{Kept: kept}).Forms {
			write(w)
		}
		for _, part := range []string{
			"<value>urn:xmpp:data-policy:0</value>", "<field var='data_retention' type='text-single'><value>" + want + "</value>",
			"<field var='full_erasure' type='boolean'><value>1</value>",
		} {
			if !strings.Contains(w.String(), part) {
				t.Errorf("no %s in %s", part, w)
			}
		}
	}
}
