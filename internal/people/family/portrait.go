package family

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
)

// side is how many pixels a portrait has on each side.
const side = 128

// palettes are sky above, sky below, sun, and hills from far to near.
var palettes = [...][6]uint32{
	{0xf7b267, 0xf9d8a7, 0xfff3d6, 0xd97757, 0xa8504b, 0x5f3345},
	{0x7fb7be, 0xd3f3ee, 0xfffbe0, 0x5f9ea0, 0x34727a, 0x1d4750},
	{0x8e9aef, 0xf3c4fb, 0xfff0f5, 0x7d6fc4, 0x54488f, 0x2e2a5b},
	{0x9bd1a5, 0xf1f7c9, 0xfffbe6, 0x6aa870, 0x3f7d58, 0x1f4d3f},
	{0xf4978e, 0xf8d7c4, 0xfff1e0, 0xc8646b, 0x8c3f5b, 0x4c2546},
	{0x6d9dc5, 0xcfe5f2, 0xfff7d9, 0x4c7aa6, 0x2f557d, 0x1b3350},
}

// portrait paints a landscape, for want of a photograph.
func portrait(d *dice) ([]byte, error) {
	p := palettes[d.below(len(palettes))]
	shade := func(i int) color.NRGBA {
		return color.NRGBA{uint8(p[i] >> 16), uint8(p[i] >> 8), uint8(p[i]), 255} //nolint:gosec // one byte of each
	}
	sunX, sunY, sunR := float64(30+d.below(68)), float64(28+d.below(24)), float64(10+d.below(8))
	var hills [3]func(x float64) float64
	for i := range hills {
		base, height := float64(70+22*i), float64(16-3*i)
		wide, shift := 18+float64(d.below(16)), float64(d.below(100))
		hills[i] = func(x float64) float64 {
			return base - height*(math.Sin((x+shift)/wide)+0.5*math.Sin((x+2*shift)/wide*2.3))*0.6
		}
	}
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			fx, fy := float64(x), float64(y)
			c := mix(shade(0), shade(1), fy/90)
			c = mix(c, shade(2), sunR+0.5-math.Hypot(fx-sunX, fy-sunY))
			for i, hill := range hills {
				c = mix(c, shade(3+i), fy-hill(fx)+0.5)
			}
			img.SetNRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("portrait: %w", err)
	}
	return b.Bytes(), nil
}

// mix is the first colour at 0 and the second at 1, and beyond.
func mix(a, b color.NRGBA, share float64) color.NRGBA {
	share = min(max(share, 0), 1)
	one := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*share) }
	return color.NRGBA{one(a.R, b.R), one(a.G, b.G), one(a.B, b.B), 255}
}
