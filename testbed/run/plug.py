# SPDX-License-Identifier: GPL-2.0
"""Plugs and unplugs devices of a running machine on the guest's request.

The guest writes "info plug NAME" or "info unplug NAME" to the result channel, and
checks the result itself. The suite defines each NAME.
"""

import json
import os
import shutil
import socket
import tempfile
import time


class Plug:
    """The monitor of one machine, whose command line must have args()."""

    def __init__(self, devices):
        """@devices: name -> dict of the arguments of QEMU's device_add without the id."""
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
        """Send a command; return its answer and skip events."""
        if not self.file:
            self.connect()
        self.file.write(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
        self.file.flush()
        for line in self.file:
            answer = json.loads(line)
            if 'event' not in answer:
                return answer
        return {'error': {'desc': 'QEMU has ended'}}

    def on_result(self, line):
        words = line.split()
        if words[:2] != ['xpi:', 'info'] or len(words) != 4 or words[2] not in ('plug', 'unplug'):
            return
        if words[2] == 'unplug':
            self.ask('device_del', id=words[3])
        else:
            self.add(words[3])

    def add(self, name):
        """Plug a device. Its name is free only after the guest released the device before it."""
        for _ in range(100):
            answer = self.ask('device_add', id=name, **self.devices[name])
            if 'error' not in answer:
                return
            time.sleep(0.1)
        print(f'plug {name}: {answer["error"]["desc"]}', flush=True)
