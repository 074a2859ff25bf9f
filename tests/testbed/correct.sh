#!/usr/bin/env bash
# correct.sh FOLDER: lets the package reflect2 in FOLDER iterate maps with Go 1.18 and later.
# It calls a function of Go's runtime past the compiler, and that function takes the iterator as an
# argument since then, whole, where it used to return it. As it is, the API server dies sooner or
# later when custom resources are written.
set -euo pipefail
cd "$1"

sed -i -e 's/^func mapiterinit(rtype unsafe.Pointer, m unsafe.Pointer) \*hiter$/func mapiterinit(rtype unsafe.Pointer, m unsafe.Pointer, it *hiter)/' \
  -e '/^\t\/\/ rest fields are ignored$/c\
\t_ [6]unsafe.Pointer // type, map, buckets, and which of them are done\
\t_ uintptr // the bucket it began with\
\t_ [4]uint8 // offset, wrapped, size, index\
\t_ [2]uintptr // the bucket it is at' unsafe_link.go
sed -i -e 's/^\treturn &UnsafeMapIterator{$/\tit := new(hiter)\n\tmapiterinit(type2.rtype, *(*unsafe.Pointer)(obj), it)\n&/' \
  -e 's/^\t\thiter:      mapiterinit(.*),$/\t\thiter:      it,/' unsafe_map.go
for corrected in 'it \*hiter)$' '^	_ \[2\]uintptr' 'obj), it)$' 'hiter:      it,$'; do
  grep -hq "$corrected" unsafe_link.go unsafe_map.go ||
    { echo "correct.sh: this reflect2 is not the one that is corrected here: no $corrected" >&2; exit 1; }
done
