# SPDX-License-Identifier: GPL-2.0
"""Make an initramfs: busybox, files, and kernel modules with their dependencies.

The modules come from a kernel's modules directory (.../lib/modules/VERSION) with its
modules.dep, and from a directory of other modules, which modprobe loads like the
kernel's. MODULE? is a module that some kernels lack. The modules are unpacked here,
because the emulated guest is slow.
"""

import gzip
import lzma
import os
import re
import shutil
import stat
import subprocess
import tempfile

from run import testbed

DIRS = ('bin', 'dev', 'proc', 'sys', 'tmp', 'run', 'mnt', 'root')


class InitramfsError(Exception):
    """A required file is missing; the text names it."""


def in_root(*cmd, **kw):
    return subprocess.run(testbed.in_root(*cmd), check=True, **kw)


def module_name(path):
    return re.sub(r'\.ko(\.\w+)?$', '', os.path.basename(path)).replace('-', '_')


def unpacked(path):
    """Return the bytes of a module, unpacked if Debian packed it."""
    if path.endswith('.ko'):
        with open(path, 'rb') as f:
            return f.read()
    opener = {'.xz': lzma.open, '.gz': gzip.open}.get(os.path.splitext(path)[1])
    if not opener:
        return in_root('zstd', '-dcq', path, capture_output=True).stdout
    with opener(path, 'rb') as f:
        return f.read()


def depends(image):
    """Return the names of the modules on which a module depends."""
    m = re.search(rb'\0depends=([^\0]*)\0', image)
    return [d.decode().replace('-', '_') for d in m[1].split(b',') if d] if m else []


class Modules:
    """The modules of one kernel, and out-of-tree modules for it, by name."""

    def __init__(self, base, extra):
        self.version = os.path.basename(os.path.normpath(base))
        self.paths, self.builtin = {}, set()
        with open(os.path.join(base, 'modules.dep'), encoding='utf-8') as f:
            for line in f:
                path = line.split(':')[0]
                self.paths[module_name(path)] = os.path.join(base, path)
        with open(os.path.join(base, 'modules.builtin'), encoding='utf-8') as f:
            self.builtin = {module_name(line.strip()) for line in f}
        for name in sorted(os.listdir(extra)) if extra else ():
            if name.endswith('.ko'):
                self.paths[module_name(name)] = os.path.join(extra, name)

    def closure(self, wanted):
        """Return the wanted modules and their dependencies in load order, as {name: image}."""
        done = {}

        def visit(name):
            if name in done or name in self.builtin:
                return
            if name.endswith('?'):
                name = name[:-1]
                if name not in self.paths:
                    return
            if name not in self.paths:
                raise InitramfsError(f'kernel {self.version} has no module {name}; build it with testbed/kmod, or correct the name.')
            image = unpacked(self.paths[name])
            for need in depends(image):
                visit(need)
            done[name] = image

        for name in wanted:
            visit(name.replace('-', '_'))
        return done

    def all_needs(self, name, images):
        """Return the modules to load before name, in the order of modules.dep: the last one first."""
        needs = []
        for d in depends(images[name]):
            if d in images:
                needs += [n for n in [d] + self.all_needs(d, images) if n not in needs]
        return needs


def put(tree, path, data, mode=0o644):
    full = os.path.join(tree, path.lstrip('/'))
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, 'wb') as f:
        f.write(data)
    os.chmod(full, mode)


def put_modules(tree, modules, wanted):
    images = modules.closure(wanted)
    where = f'lib/modules/{modules.version}'
    dep = ''
    for name, image in images.items():
        put(tree, f'{where}/{name}.ko', image)
        dep += f'{name}.ko:' + ''.join(f' {n}.ko' for n in modules.all_needs(name, images)) + '\n'
    put(tree, f'{where}/modules.dep', dep.encode())


def put_files(tree, files):
    for spec in files:
        src, dst = spec.split(':')
        if not os.path.isfile(src):
            raise InitramfsError(f'{src} does not exist, but the initramfs needs it as {dst}.')
        mode = 0o755 if os.stat(src).st_mode & stat.S_IXUSR else 0o644
        with open(src, 'rb') as f:
            put(tree, dst, f.read(), mode)


def put_busybox(tree):
    with open(os.path.join(tree, 'bin/busybox'), 'wb') as f:
        f.write(in_root('cat', '/usr/bin/busybox', capture_output=True).stdout)
    os.chmod(os.path.join(tree, 'bin/busybox'), 0o755)
    os.symlink('busybox', os.path.join(tree, 'bin/sh'))


def pack(tree, out):
    script = 'cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc -R 0:0 --quiet | gzip -1n >"$2"'
    in_root('sh', '-c', script, 'pack', tree, out + '.new')
    os.replace(out + '.new', out)


def build(out, modules, extra=None, wanted=(), files=()):
    out = os.path.abspath(out)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    tree = tempfile.mkdtemp(prefix='tree.', dir=os.path.dirname(out))
    try:
        os.chmod(tree, 0o755)
        for d in DIRS:
            os.mkdir(os.path.join(tree, d))
        put_busybox(tree)
        put_modules(tree, Modules(modules, extra), wanted)
        put_files(tree, files)
        pack(tree, out)
    finally:
        shutil.rmtree(tree)
    return out
