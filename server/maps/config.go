package maps

import (
	"errors"
	"net/url"
	"strings"

	"kith/internal/config"
)

// Config is the section [maps] of the configuration file. Places that people send each other are shown on
// maps. Browsers ask this server alone for them, and it asks a tile server. So the tile server learns that
// this server was asked for an area, and not by whom; and this server, whoever runs it, is told the area
// but keeps no log of it. The web app shows a map only when its person wants to see one
// (docs/threat-model.md).
type Config struct {
	// Tiles is where the pictures come from that maps are made of: an address with {z}, {x} and {y} in it.
	// Empty for no maps: places are shown without one. That of OpenStreetMap may be used by small servers
	// (https://operations.osmfoundation.org/policies/tiles/); this server names itself there, with the
	// address of its web app, and asks again for a picture after a week at the earliest, as long as there
	// is room in the cache. A server with many people should ask one of its own, or one that it pays.
	Tiles string `toml:"tiles"`
	// Attribution is what stands on every map: whose it is.
	Attribution string `toml:"attribution"`
	// MaxZoom is the closest view that there are pictures of.
	MaxZoom int `toml:"max_zoom"`
	// Cache is how much memory pictures may take, so that the same is not asked for again. They are not
	// written to the disk: neither it nor a backup of it shall tell which places were looked at.
	Cache config.Size `toml:"cache"`
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{
		Tiles: "https://tile.openstreetmap.org/{z}/{x}/{y}.png", Attribution: "© OpenStreetMap contributors", MaxZoom: 19, Cache: 32 << 20,
	}
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("maps")
	if c.Tiles != "" {
		if _, err := parseTemplate(c.Tiles); err != nil {
			check.Add("tiles", "is %q; expected an address such as https://tile.openstreetmap.org/{z}/{x}/{y}.png", c.Tiles)
		}
		if strings.TrimSpace(c.Attribution) == "" || len(c.Attribution) > 200 {
			check.Add("attribution", "is %q; maps must say whose they are, in at most 200 bytes", c.Attribution)
		}
	}
	check.Number("max_zoom", c.MaxZoom, 1, deepest)
	check.Size("cache", c.Cache, 1<<20, 4<<30)
	return check.Err()
}

var errTemplate = errors.New("maps: not the address of tiles")

// template is the address of tiles, with places for their numbers.
type template struct {
	text string
	// base has its scheme and host.
	base *url.URL
}

func parseTemplate(text string) (template, error) {
	for _, part := range []string{"{z}", "{x}", "{y}"} {
		if strings.Count(text, part) != 1 {
			return template{}, errTemplate
		}
	}
	u, err := url.Parse(strings.NewReplacer("{z}", "0", "{x}", "0", "{y}", "0").Replace(text))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return template{}, errTemplate
	}
	// What a client says never changes who is asked.
	if !strings.HasPrefix(strings.ToLower(text), u.Scheme+"://"+strings.ToLower(u.Host)+"/") {
		return template{}, errTemplate
	}
	return template{text: text, base: u}, nil
}
