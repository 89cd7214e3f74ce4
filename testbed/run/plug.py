# SPDX-License-Identifier: GPL-2.0
"""Plugs and unplugs a machine's devices while it runs, when its guest asks.

The guest says "info plug NAME" or "info unplug NAME" on the result channel; it
sees for itself what came of it.  What NAME is, the suite says.
"""

import json
import os
import shutil
import socket
import tempfile
import time


class Plug:
    """One machine's monitor; args() belong into its command line."""

    def __init__(self, devices):
        """devices: name -> dict of what QEMU's device_add wants but the id."""
        self.devices, self.file = devices, None
        self.dir = tempfile.mkdtemp(prefix='xpi-plug.')
        self.path = os.path.join(self.dir, 'monitor')

    def args(self):
        return ['-qmp', f'unix:{self.path},server=on,wait=off']

    def close(self):
        if self.file:
            self.file.close()
        shutil.rmtree(self.dir)

    def connect(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.path)
            self.file = s.makefile('rw', encoding='utf-8')
        self.file.readline()
        self.ask('qmp_capabilities')

    def ask(self, command, **arguments):
        """The answer, without the events that come in between."""
        if not self.file:
            self.connect()
        self.file.write(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
        self.file.flush()
        for line in self.file:
            answer = json.loads(line)
            if 'event' not in answer:
                return answer
        return {'error': {'desc': 'QEMU is gone'}}

    def on_result(self, line):
        words = line.split()
        if words[:2] != ['xpi:', 'info'] or len(words) != 4 or words[2] not in ('plug', 'unplug'):
            return
        if words[2] == 'unplug':
            self.ask('device_del', id=words[3])
        else:
            self.add(words[3])

    def add(self, name):
        """A name is free only once the guest let go of the one before."""
        for _ in range(100):
            answer = self.ask('device_add', id=name, **self.devices[name])
            if 'error' not in answer:
                return
            time.sleep(0.1)
        print(f'plug {name}: {answer["error"]["desc"]}', flush=True)
