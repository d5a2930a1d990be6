package maps

import (
	"container/list"
	"time"
)

// spot is which tile: how close, and where, counted from the north-west.
type spot struct{ z, x, y int }

// tile is a picture as the tile server gave it. One without a body says that there is none.
type tile struct {
	kind string
	body []byte
	// etag and modified ask later whether it is still the same.
	etag, modified string
	// until when nobody need ask.
	until time.Time
}

// overhead is about what a tile takes besides its picture.
const overhead = 512

func (t *tile) size() int64 { return int64(len(t.body)) + overhead }

// cache keeps the tiles used last, in so many bytes.
type cache struct {
	max, size int64
	order     *list.List // of *entry, the one used last in front
	at        map[spot]*list.Element
}

type entry struct {
	spot spot
	tile *tile
}

func newCache(limit int64) *cache {
	return &cache{max: limit, order: list.New(), at: map[spot]*list.Element{}}
}

// get finds a tile, nil if it is not here.
func (c *cache) get(k spot) *tile {
	e := c.at[k]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*entry).tile
}

// put keeps a tile in the place of the one that was there.
func (c *cache) put(k spot, t *tile) {
	if e := c.at[k]; e != nil {
		c.remove(e)
	}
	if t.size() > c.max {
		return
	}
	c.at[k] = c.order.PushFront(&entry{k, t})
	c.size += t.size()
	for c.size > c.max {
		c.remove(c.order.Back())
	}
}

func (c *cache) remove(e *list.Element) {
	v := c.order.Remove(e).(*entry)
	delete(c.at, v.spot)
	c.size -= v.tile.size()
}
