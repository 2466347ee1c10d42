"""What the rows of the object half are run with."""

from bench.common.setting import Setting
from bench.object.scratch_server import ScratchServer

REPLICAS = 3


class ObjectSetting(Setting):
    def server(self, name):
        """A Strata server with a folder of this name."""
        return ScratchServer(self.binary, self.folder / name, REPLICAS, self.profile_path(name))
