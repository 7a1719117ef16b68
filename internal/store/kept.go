package store

import (
	"container/list"
	"sync"
)

// keptBytes bounds what Keep holds, by the sizes that it was told.
const keptBytes = 16 << 20

// kept are values that were read from the database and never change there,
// the last used in front.
type kept struct {
	limit int

	mu    sync.Mutex // guards all below
	size  int
	order *list.List
	byKey map[any]*list.Element
}

type keptValue struct {
	key, value any
	size       int
}

func newKept(limit int) *kept {
	return &kept{limit: limit, order: list.New(), byKey: map[any]*list.Element{}}
}

// Keep holds a value for Kept until others take its place. It is for rows that
// are never updated and whose keys never come again, so that no process can
// make the value wrong: a row that has gone is not asked for any more. The
// value must not be changed. size is roughly its number of bytes.
func (tx *Tx) Keep(key, value any, size int) { tx.store.kept.put(key, value, size) }

// Kept returns the value that Keep was given under the key, or nil.
func (tx *Tx) Kept(key any) any { return tx.store.kept.get(key) }

func (k *kept) get(key any) any {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.byKey[key]
	if e == nil {
		return nil
	}
	k.order.MoveToFront(e)
	v, _ := e.Value.(*keptValue)
	return v.value
}

func (k *kept) put(key, value any, size int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byKey[key] != nil {
		return
	}
	k.byKey[key] = k.order.PushFront(&keptValue{key, value, size})
	for k.size += size; k.size > k.limit; {
		v, _ := k.order.Remove(k.order.Back()).(*keptValue)
		delete(k.byKey, v.key)
		k.size -= v.size
	}
}
